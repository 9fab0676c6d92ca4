import { AppError } from "../../../base/error.ts"
import type { Rendered } from "../variables/variable.ts"
import { entriesOf } from "./present.ts"
import type { Entry } from "./readers/reader.ts"
import type { Settings } from "./settings.ts"

/**
 * Our own text, read as its reader would: every variable holds what it shall, and every other line
 * still says the same.
 */
export function refuseMisread(
  settings: Settings,
  before: string,
  next: string,
  rendered: Rendered,
): void {
  const after = read(settings, next)
  const wrong =
    after === undefined
      ? "a line"
      : [...rendered].find(
          ([name, value]) => !after.some((entry) => entry.key === name && entry.value === value),
        )?.[0]
  if (wrong !== undefined) throw misread(settings, wrong)
  if (
    settings.merge &&
    say(others(settings, before)) !== say((after ?? []).filter(({ key }) => !rendered.has(key)))
  )
    throw misread(settings, "another line")
}

/**
 * The names whose values differ between two texts; those of a text that its reader refuses count as
 * absent.
 */
export function changedKeys(settings: Settings, before: string, next: string): readonly string[] {
  const [old, young] = [valuesOf(read(settings, before)), valuesOf(read(settings, next))]
  return [...new Set([...young.keys(), ...old.keys()])].filter(
    (key) => old.get(key) !== young.get(key),
  )
}

function misread(settings: Settings, what: string): AppError {
  return new AppError(
    "output-not-read-back",
    `${settings.target}: ${what} would be read otherwise than meant by ` +
      `${settings.readerName}; nothing was written`,
    {
      hint:
        "look at the lines around it: a backslash or an open quote at their end, " +
        "or a comment after the value",
    },
  )
}

function read(settings: Settings, text: string): readonly Entry[] | undefined {
  try {
    return entriesOf(settings, text)
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}

function others(settings: Settings, text: string): readonly Entry[] {
  return entriesOf(settings, text).filter(
    ({ key }) => !settings.variables.some(({ name }) => name === key),
  )
}

function say(entries: readonly Entry[]): string {
  return JSON.stringify(entries.map(({ key, value }) => [key, value]))
}

function valuesOf(entries: readonly Entry[] | undefined): ReadonlyMap<string, string | undefined> {
  return new Map((entries ?? []).map(({ key, value }) => [key, value]))
}
