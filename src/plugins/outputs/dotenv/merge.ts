import { AppError } from "../../../base/error.ts"
import type { Rendered } from "../variables/variable.ts"
import { managedEntries } from "./present.ts"
import { type Entry, bom } from "./readers/reader.ts"
import type { Settings } from "./settings.ts"

/**
 * The text with the managed values replaced and nothing else touched, except a carriage return
 * behind one that a reader would add to it; variables that are not there come at the end.
 */
export function mergeInto(settings: Settings, text: string, rendered: Rendered): string {
  const present = managedEntries(settings, text)
  const replaced = replaceValues(settings, text, rendered, present)
  const missing = [...rendered].filter(([name]) => !present.has(name))
  return append(
    settings,
    replaced,
    missing.map(([name, value]) => `${name}=${written(settings, name, value)}`),
  )
}

/** The whole file: a header and our variables. */
export function wholeFile(settings: Settings, rendered: Rendered): string {
  const lines = [...rendered].map(([name, value]) => `${name}=${written(settings, name, value)}`)
  return [...(settings.header === undefined ? [] : [settings.header]), ...lines]
    .map((line) => `${line}\n`)
    .join("")
}

function replaceValues(
  settings: Settings,
  text: string,
  rendered: Rendered,
  present: ReadonlyMap<string, Entry>,
): string {
  let result = ""
  let at = 0
  for (const [name, entry] of [...present].sort(([, one], [, other]) => one.start - other.start)) {
    const value = rendered.get(name)
    // What reads the same is left as it is written.
    if (value === undefined || value === entry.value) continue
    result += text.slice(at, entry.start) + written(settings, name, value, entry)
    at = settings.reader.crlf || !endsLine(text, entry.end) ? entry.end : entry.end + 1
  }
  return result + text.slice(at)
}

/** A carriage return stands there, and behind it a line or the whole text ends. */
function endsLine(text: string, at: number): boolean {
  return text.startsWith("\r\n", at) || text.slice(at) === "\r"
}

function written(settings: Settings, name: string, value: string, entry?: Entry): string {
  const result = settings.reader.write(value, entry?.quote)
  if ("text" in result) return result.text
  throw new AppError(
    "output-value-unfit",
    `${settings.target}: the value of ${name} cannot be written for ${settings.readerName}: ` +
      `${result.refused}`,
  )
}

/**
 * Lines after the last one, with its kind of line end where the reader takes that for one; a text
 * without a final line end stays without.
 */
function append({ reader }: Settings, text: string, lines: readonly string[]): string {
  if (lines.length === 0) return text
  const end = reader.crlf && /\r\n/.test(text) && !/[^\r]\n/.test(text) ? "\r\n" : "\n"
  const added = lines.join(end)
  if (text === "" || text === bom || text.endsWith("\n")) return text + added + end
  return text + end + added
}
