import { AppError } from "../../../base/error.ts"
import { firstLine, headerStart } from "../file/header.ts"
import type { Present } from "../file/present.ts"
import { entriesOf } from "./present.ts"
import { type Entry, bom } from "./readers/reader.ts"
import type { Settings } from "./settings.ts"

/** True for a file that our header says is ours as a whole. */
export function isOurs(settings: Settings, present: Present): boolean {
  return settings.header !== undefined && firstLine(present.text) === settings.header
}

/**
 * A file that we did not write is overwritten only if it holds nothing but our variables: the rest
 * would be lost.
 */
export function refuseForeign(settings: Settings, present: Present): void {
  const first = firstLine(present.text)
  if (settings.header !== undefined && first.startsWith(headerStart))
    throw foreign(
      settings,
      "it was written for another environment",
      "name another file: no two environments share one",
    )
  const others = entriesOf(settings, present.text).find(
    (entry) => !settings.variables.some(({ name }) => name === entry.key),
  )
  if (others !== undefined)
    throw foreign(
      settings,
      "it was not written by mycelium and holds other variables too",
      "write merge: true, and the other lines stay",
    )
  if (remainder(settings, present.text).some(isContent))
    throw foreign(
      settings,
      "it was not written by mycelium and holds other lines or comments too",
      "write merge: true, and the other lines stay",
    )
}

export function foreign(settings: Settings, message: string, hint: string): AppError {
  return new AppError("output-foreign", `${settings.target} is not overwritten: ${message}`, {
    hint,
  })
}

/** The lines that are none of our variables. */
function remainder(settings: Settings, text: string): readonly string[] {
  let rest = ""
  let at = 0
  for (const entry of ordered(entriesOf(settings, text))) {
    rest += text.slice(at, Math.max(at, text.lastIndexOf("\n", entry.start - 1) + 1))
    const end = text.indexOf("\n", entry.end)
    at = end === -1 ? text.length : end + 1
  }
  return (rest + text.slice(at)).split("\n")
}

function ordered(entries: readonly Entry[]): readonly Entry[] {
  return [...entries].sort((one, other) => one.start - other.start)
}

/** Comments too: an older value, commented out, may stand nowhere else. */
function isContent(line: string): boolean {
  return line.replace(bom, "").trim() !== ""
}
