import { type FileHandle, open, stat } from "node:fs/promises"
import { dataRanges } from "../base/files/data-ranges.ts"
import { AppError, systemCode } from "../base/error.ts"
import { untilStopped } from "./until-stopped.ts"

/**
 * A file that a person names to be read, or "-": a regular file, or a pipe, which may never end and
 * may have no writer yet.
 */
export type Input = {
  readonly file: string
  readonly stop: AbortSignal /** ", nothing was rotated" */
  readonly unchanged: string
  readonly hint?: string
}

/**
 * Its bytes as they come, until mycelium is asked to stop. An input that cannot be read is refused
 * before its first byte.
 */
export async function openInput(input: Input): Promise<AsyncIterable<Uint8Array>> {
  const { file } = input
  if (file === "-") return interruptible(process.stdin, input)
  try {
    refuseOdd(input, await stat(file))
    // The opening of a pipe waits for its writer.
    const handle = await untilStopped(input.stop, saysOf(input), () => open(file))
    const opened = await handle.stat()
    refuseOdd(input, opened)
    const bytes = opened.isFile()
      ? dataOf(handle)
      : handle.createReadStream({ highWaterMark: 1 << 20 })
    return interruptible(bytes, input)
  } catch (error) {
    throw error instanceof AppError ? error : unreadable(input, error)
  }
}

/** All of it, as text; `most` bytes. */
export async function readInput(input: Input, most: number): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of await openInput(input)) {
    size += part.length
    if (size > most)
      throw new AppError(
        "file-too-large",
        `${input.file === "-" ? "stdin" : input.file} is larger than ${most} bytes`,
      )
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

export async function isPipe(file: string): Promise<boolean> {
  return (
    file === "-" ||
    (await stat(file).then(
      (found) => found.isFIFO(),
      () => false,
    ))
  )
}

/** No text of ours goes on across a hole: of each, one zero is enough. */
async function* dataOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  try {
    for await (const { start, end } of dataRanges(handle)) {
      if (start > 0) yield hole
      for (let at = start; at < end; ) {
        const part = Buffer.alloc(Math.min(partBytes, end - at))
        const { bytesRead } = await handle.read(part, 0, part.length, at)
        if (bytesRead === 0) break
        at += bytesRead
        yield part.subarray(0, bytesRead)
      }
    }
  } finally {
    await handle.close()
  }
}
const partBytes = 1 << 20
const hole = new Uint8Array(1)

type Kind = { isFile(): boolean; isFIFO(): boolean; isDirectory(): boolean }

/** A device has no end, and some act when they are read. */
function refuseOdd({ file, hint }: Input, kind: Kind): void {
  if (kind.isFile() || kind.isFIFO()) return
  throw new AppError(
    "usage",
    `${file} is ${kind.isDirectory() ? "a folder" : "neither a file nor a pipe"}`,
    hint === undefined ? {} : { hint },
  )
}

async function* interruptible(
  source: AsyncIterable<Uint8Array>,
  input: Input,
): AsyncGenerator<Uint8Array> {
  const parts = source[Symbol.asyncIterator]()
  for (;;) {
    const next = await untilStopped(input.stop, saysOf(input), () => parts.next()).catch(
      (error: unknown) => {
        throw error instanceof AppError ? error : unreadable(input, error)
      },
    )
    if (next.done === true) return
    yield next.value
  }
}

function saysOf({ file, unchanged }: Input): string {
  return ` while ${file === "-" ? "stdin" : file} was read${unchanged}`
}

function unreadable({ file }: Input, error: unknown): AppError {
  return new AppError(
    "usage",
    `cannot read ${file === "-" ? "stdin" : file}: ${systemCode(error) ?? "unknown error"}`,
    { hint: "nothing was changed" },
  )
}
