import { AppError } from "../../../base/error.ts"
import { type Entry, unreadable } from "./readers/reader.ts"
import type { Settings } from "./settings.ts"

/** The text as the reader sees it; an error names the file. */
export function entriesOf(settings: Settings, text: string): readonly Entry[] {
  try {
    if (text.includes("\0"))
      throw unreadable(
        text,
        text.indexOf("\0"),
        "a NUL character stands there, so this is no text, or UTF-16",
      )
    return settings.reader.parse(text)
  } catch (error) {
    throw error instanceof AppError ? error.within(settings.target) : error
  }
}

/**
 * Where each managed key stands. One that stands twice is refused: readers differ about which of
 * the two counts.
 */
export function managedEntries(settings: Settings, text: string): ReadonlyMap<string, Entry> {
  const managed = new Map<string, Entry>()
  const names = new Set(settings.variables.map(({ name }) => name))
  for (const entry of entriesOf(settings, text)) {
    if (!names.has(entry.key)) continue
    if (managed.has(entry.key)) {
      throw new AppError(
        "output-key-twice",
        `${settings.target}: ${entry.key} stands there twice`,
        {
          hint:
            settings.readerName === "portable"
              ? "delete one of the two lines; or, if one of them is part of another value, " +
                "name the file's reader with for:"
              : "delete one of the two lines",
        },
      )
    }
    managed.set(entry.key, entry)
  }
  return managed
}
