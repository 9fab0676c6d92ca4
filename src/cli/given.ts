import { AppError } from "../base/error.ts"
import { readRegular } from "../base/files/read-regular.ts"
import { Secret } from "../core/secret.ts"
import type { SuppliedValues } from "../repair/adoptable.ts"
import type { Terminal } from "./command.ts"
import { isPipe, readInput } from "./input.ts"

const largest = 1024 * 1024

/**
 * Values to adopt, from a JSON object: `<secret>_password` or `<secret>`. (The Python Mycelium
 * stored `<secret>_password`; its `temporal_admin_password` fits a secret `temporal` or
 * `temporal_admin`.) Other keys are ignored.
 */
export async function readGiven(
  { stop }: Pick<Terminal, "stop">,
  file: string,
  names: readonly string[],
): Promise<SuppliedValues> {
  const text = (await isPipe(file))
    ? await readInput({ file, stop, unchanged: "; nothing was adopted" }, largest)
    : await fileText(file)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new AppError("given-unreadable", `${file === "-" ? "stdin" : file} holds no JSON`, {
      hint: 'an object such as {"postgres_password": "…"}',
    })
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new AppError("given-unreadable", `${file === "-" ? "stdin" : file} holds no JSON object`)
  const found: Record<string, Readonly<Record<string, Secret>>> = {}
  const entries: Readonly<Record<string, unknown>> = { ...parsed }
  for (const name of names) {
    const value = [`${name}_password`, `${name}_admin_password`, name]
      .map((key) => entries[key])
      .find((one) => one !== undefined && one !== null)
    if (value === undefined) continue
    if (typeof value !== "string" || value === "")
      throw new AppError(
        "given-unreadable",
        `the value of ${name} in ${file === "-" ? "stdin" : file} is no text`,
      )
    found[name] = { password: new Secret(name, value) }
  }
  if (Object.keys(found).length === 0)
    throw new AppError(
      "given-unreadable",
      `${file === "-" ? "stdin" : file} holds a value of none of the secrets`,
      { hint: `keys: ${names.map((name) => `${name}_password`).join(", ")}` },
    )
  return found
}

async function fileText(file: string): Promise<string> {
  const found = await readRegular(file, largest)
  if (found === undefined) throw new AppError("given-unreadable", `there is no file ${file}`)
  return Buffer.from(found.bytes).toString()
}

/** Asks for each value on the terminal, without echo; an empty answer leaves the secret out. */
export async function askFor(
  terminal: Terminal,
  names: readonly string[],
): Promise<SuppliedValues> {
  const { stdin } = process
  if (!stdin.isTTY || !terminal.interactive())
    throw new AppError("usage", "--ask needs a terminal", {
      hint: "pipe JSON into adopt ENV --from - instead",
    })
  const found: Record<string, Readonly<Record<string, Secret>>> = {}
  for (const name of names) {
    terminal.stderr(`value of ${name} (nothing is shown; empty: leave it out):`)
    const value = await hiddenLine(stdin, terminal.stop)
    if (value !== "") found[name] = { password: new Secret(name, value) }
  }
  return found
}

/**
 * One line of a terminal in raw mode, without echo. The listener is removed at its end, so that the
 * process can end.
 */
function hiddenLine(stdin: NodeJS.ReadStream, stop: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed = ""
    const end = (settle: () => void): void => {
      stdin.off("data", hear)
      stop.removeEventListener("abort", stopped)
      stdin.setRawMode(false)
      stdin.pause()
      stdin.unref()
      settle()
    }
    const hear = (chunk: Buffer): void => {
      for (const character of chunk.toString()) {
        if (character === "\r" || character === "\n") return end(() => resolve(typed))
        if (character === "\u0003" || character === "\u0004") return stopped()
        typed =
          character === "\u007f" || character === "\b" ? typed.slice(0, -1) : typed + character
      }
    }
    const stopped = (): void =>
      end(() => reject(new AppError("stopped", "stopped; nothing was adopted")))
    if (stop.aborted) return reject(new AppError("stopped", "stopped; nothing was adopted"))
    stop.addEventListener("abort", stopped)
    stdin.setRawMode(true)
    stdin.ref()
    stdin.resume()
    stdin.on("data", hear)
  })
}
