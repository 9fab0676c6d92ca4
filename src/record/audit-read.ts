import { constants } from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import { AppError, systemCode } from "../base/error.ts"
import { auditPath } from "./audit-log.ts"
import { irregular, segmentFolder, segmentsOf } from "./audit-segments.ts"
import { type StateKey, readState } from "./state-file.ts"

export type AuditEntry = {
  readonly n: number
  readonly at: string
  readonly event: string
  readonly user: string
  readonly via: string
  readonly serial: number
} & Readonly<Record<string, unknown>>
/** `entry` is undefined for text that is no line: what a crash left of one. */
export type LogLine = { readonly line: string; readonly entry: AuditEntry | undefined }

/**
 * The lines of a log, over all its parts, the oldest first. Needs no lock: the part that is written
 * to is opened before the full ones are listed, so that one which becomes full meanwhile is read
 * once.
 */
export async function* readLog(place: StateKey): AsyncGenerator<LogLine> {
  const active = await openIfThere(auditPath(place))
  try {
    const own = (await active?.stat())?.ino
    for (const { path } of await partsOf(place)) {
      // One that grew too old and was removed since it was listed is no more part of the log.
      const file = await openIfThere(path)
      if (file === undefined) continue
      try {
        if ((await file.stat()).ino !== own) yield* linesIn(file)
      } finally {
        await file.close()
      }
    }
    if (active !== undefined) yield* linesIn(active)
  } finally {
    await active?.close()
  }
}

/**
 * The same, and after them what the state alone holds: lines that a killed run had not written into
 * the log yet, or that were cut from it since. A state that cannot be read holds none.
 */
export async function* readWhole(place: StateKey): AsyncGenerator<LogLine> {
  // First: a log that goes on meanwhile holds these lines itself then.
  const riding = await readState(place).then(
    (found) => found?.audit.lines ?? [],
    () => [],
  )
  let last = 0
  for await (const one of readLog(place)) {
    last = one.entry?.n ?? last
    yield one
  }
  for (const line of riding) {
    const entry = parse(line)
    if (entry !== undefined && entry.n > last) yield { line, entry }
  }
}

async function partsOf(place: StateKey): ReturnType<typeof segmentsOf> {
  try {
    return await segmentsOf(place)
  } catch (error) {
    const isFolder = systemCode(error) !== "ENOTDIR"
    throw isFolder ? error : irregular(segmentFolder(place), "not a folder")
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if ((await file.stat()).isFile()) return file
    await file.close()
    throw irregular(path, "not a regular file")
  } catch (error) {
    if (error instanceof AppError) throw error
    const code = systemCode(error)
    if (code === "ENOENT") return undefined
    if (code === "ELOOP") throw irregular(path, "a symbolic link, which is not followed")
    if (code === undefined) throw error
    throw new AppError("file-unreadable", `the audit log ${path} cannot be read (${code})`, {
      hint: "run it as the user that mycelium runs as, or look at the file's owner and mode, and its disk",
    })
  }
}

async function* linesIn(file: FileHandle): AsyncGenerator<LogLine> {
  const decoder = new TextDecoder()
  const buffer = Buffer.alloc(256 * 1024)
  let rest = ""
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
    const lines =
      `${rest}${decoder.decode(buffer.subarray(0, bytesRead), { stream: bytesRead > 0 })}`.split(
        "\n",
      )
    rest = bytesRead > 0 ? (lines.pop() ?? "") : ""
    for (const line of lines) if (line !== "") yield { line, entry: parse(line) }
    if (bytesRead === 0) return
  }
}

function parse(line: string): AuditEntry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<AuditEntry>
    return typeof entry.n === "number" &&
      typeof entry.at === "string" &&
      typeof entry.event === "string"
      ? (entry as AuditEntry)
      : undefined
  } catch {
    return undefined
  }
}

/** A secret that was chosen for a containment, as the log has it. */
export type ChosenLine = { readonly secret: string; readonly incident: string; readonly at: string }

/** Of a state that is older than its log: what was chosen for a containment since that state. */
export async function chosenSince(place: StateKey, serial: number): Promise<readonly ChosenLine[]> {
  const chosen: ChosenLine[] = []
  for await (const { entry } of readLog(place)) {
    const { event, secret, secrets, incident, at } = (entry ?? {}) as Readonly<
      Record<string, unknown>
    >
    if (entry === undefined || typeof incident !== "string" || typeof at !== "string") continue
    if (entry.serial <= serial || !(event === "contain" || event === "not-contained")) continue
    const names: readonly unknown[] = Array.isArray(secrets) ? secrets : [secret]
    for (const name of names)
      if (typeof name === "string") chosen.push({ secret: name, incident, at })
  }
  return chosen
}

/** By secret, the number of the youngest version that the log knows of. */
export async function youngestIn(place: StateKey): Promise<Readonly<Record<string, number>>> {
  const youngest: Record<string, number> = {}
  for await (const { entry } of readLog(place)) {
    const number = /^v(\d+)$/.exec(String(entry?.["version"] ?? ""))?.[1]
    const secret = entry?.["secret"]
    if (typeof secret === "string" && number !== undefined)
      youngest[secret] = Math.max(youngest[secret] ?? 0, Number(number))
  }
  return youngest
}
