import { AppError } from "../../../base/error.ts"
import type { Entry } from "./readers/reader.ts"
import type { Settings } from "./settings.ts"

/** The text as the reader sees it; an error names the file. */
export function entriesOf(settings: Settings, text: string): readonly Entry[] {
  try {
    return settings.reader.parse(text)
  } catch (error) {
    throw error instanceof AppError ? error.within(settings.target) : error
  }
}

/** Where each managed key stands. One that stands twice is refused: readers differ about which of the two counts. */
export function managedEntries(settings: Settings, text: string): ReadonlyMap<string, Entry> {
  const managed = new Map<string, Entry>()
  const names = new Set(settings.variables.map(({ name }) => name))
  for (const entry of entriesOf(settings, text)) {
    if (!names.has(entry.key)) continue
    if (managed.has(entry.key)) {
      throw new AppError("output-key-twice", `${settings.target}: ${entry.key} stands there twice`, { hint: "delete one of the two lines" })
    }
    managed.set(entry.key, entry)
  }
  return managed
}
