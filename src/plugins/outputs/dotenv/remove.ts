import { AppError } from "../../../base/error.ts"
import type { Draft, IssuedVersions } from "../../../core/ports.ts"
import { draftOf, readToWrite, removalOf } from "../file/draft.ts"
import { type Present, readPresent } from "../file/present.ts"
import { driftError, findDrift } from "../variables/drift.ts"
import { isOurs } from "./foreign.ts"
import { entriesOf, managedEntries } from "./present.ts"
import { type Entry, bom } from "./readers/reader.ts"
import type { Settings } from "./settings.ts"

/**
 * The file without the variables that show one of these secrets; none where nothing is left of it.
 */
export async function remove(
  settings: Settings,
  secrets: readonly string[],
  issued: IssuedVersions,
  signal: AbortSignal,
): Promise<Draft> {
  const present = await readToWrite(settings)
  signal.throwIfAborted()
  if (present === undefined) return removalOf(settings, undefined, [])
  const going: Settings = {
    ...settings,
    variables: settings.variables.filter((variable) =>
      variable.secrets.some((name) => secrets.includes(name)),
    ),
  }
  const entries = managedEntries(going, present.text)
  const drift = await findDrift(going, entries, new Map(), issued)
  if (drift !== undefined) throw driftError(settings, drift, `empty it (${drift.name}=)`)
  const next = without(settings, present.text, [...entries.values()])
  refuseMisread(settings, present.text, next, entries)
  const changes = [...entries.keys()]
  // A merged file existed before: it may get empty, and stays.
  if (!settings.merge && isNothing(settings, present, next))
    return removalOf(settings, present, changes)
  return draftOf(settings, { present, bytes: Buffer.from(next, "latin1"), changes })
}

/**
 * The file without these lines of others, where what stands there is one of our values as a whole.
 */
export async function prune(
  settings: Settings,
  names: readonly string[],
  isOurs: (value: string) => boolean,
  signal: AbortSignal,
): Promise<Draft> {
  const present = await readToWrite(settings)
  signal.throwIfAborted()
  if (present === undefined) return removalOf(settings, undefined, [])
  const managed = new Set(settings.variables.map(({ name }) => name))
  const going = {
    ...settings,
    variables: names
      .filter((name) => !managed.has(name))
      .map((name) => ({ name, template: "", secrets: [] })),
  }
  const entries = new Map(
    [...managedEntries(going, present.text)].filter(
      ([, { value }]) => value !== undefined && isOurs(Buffer.from(value, "latin1").toString()),
    ),
  )
  const next = without(settings, present.text, [...entries.values()])
  refuseMisread(settings, present.text, next, entries)
  return draftOf(settings, {
    present,
    bytes: Buffer.from(next, "latin1"),
    changes: [...entries.keys()],
  })
}

/** What a merged file says besides; one that its reader refuses says nothing. */
export async function others(settings: Settings): Promise<Readonly<Record<string, string>>> {
  const present = await readPresent(settings.target)
  if (present === undefined) return {}
  const managed = new Set(settings.variables.map(({ name }) => name))
  try {
    return Object.fromEntries(
      entriesOf(settings, present.text).flatMap(({ key, value }) =>
        managed.has(key) || value === undefined
          ? []
          : [[key, Buffer.from(value, "latin1").toString()]],
      ),
    )
  } catch (error) {
    if (error instanceof AppError) return {}
    throw error
  }
}

/** The text without the whole lines on which these variables stand. */
function without(settings: Settings, text: string, entries: readonly Entry[]): string {
  let rest = ""
  let at = 0
  for (const { key, start, end } of [...entries].sort((one, other) => one.start - other.start)) {
    const begins = Math.max(
      at,
      text.lastIndexOf("\n", start - 1) + 1,
      text.startsWith(bom) ? bom.length : 0,
    )
    const ends = text.indexOf("\n", end)
    refuseShared(settings, key, {
      before: text.slice(begins, start),
      after: text.slice(end, ends === -1 ? text.length : ends),
    })
    rest += text.slice(at, begins)
    at = ends === -1 ? text.length : ends + 1
  }
  return rest + text.slice(at)
}

/** A shell takes more than one thing on a line. */
function refuseShared(
  settings: Settings,
  key: string,
  { before, after }: { readonly before: string; readonly after: string },
): void {
  if (
    /^[ \t]*(?:export[ \t]+)?[^\s=:]+[ \t]*[=:][ \t]*$/.test(before) &&
    /^\s*(?:#[^\n]*)?$/.test(after)
  )
    return
  throw new AppError(
    "output-line-shared",
    `${settings.target}: ${key} shares its line with something else; nothing was written`,
    { hint: `give ${key} a line of its own, or remove it by hand` },
  )
}

/**
 * Every other variable must still be read as before: a backslash or an open quote may join lines.
 */
function refuseMisread(
  settings: Settings,
  before: string,
  next: string,
  gone: ReadonlyMap<string, Entry>,
): void {
  const say = (entries: readonly Entry[]): string =>
    JSON.stringify(entries.map(({ key, value }) => [key, value]))
  if (
    say(entriesOf(settings, before).filter(({ key }) => !gone.has(key))) ===
    say(entriesOf(settings, next))
  )
    return
  throw new AppError(
    "output-not-read-back",
    `${settings.target}: without these lines another one would be read otherwise; nothing was written`,
    { hint: "look at the lines around them: a backslash or an open quote at their end" },
  )
}

/**
 * A file that is ours as a whole has nothing left with its last variable; of another, blank lines
 * are nothing.
 */
function isNothing(settings: Settings, present: Present, next: string): boolean {
  if (!settings.merge && isOurs(settings, present)) return entriesOf(settings, next).length === 0
  return next.replace(bom, "").trim() === ""
}
