import { AppError } from "../../../base/error.ts"
import type { Entry, Readers, Seen } from "../../../core/entry.ts"
import type { Draft, IssuedVersions, Output, Values } from "../../../core/ports.ts"
import { adoptFrom } from "../variables/adopt.ts"
import { driftError, findDrift } from "../variables/drift.ts"
import { type Showing, renderBeside, showsOf, variableOf, worstOf } from "../variables/variable.ts"
import { contentsOf, heldIn, putBack, spliced, taken } from "./contents.ts"
import { type Plan, type Planner, draftOf } from "./draft.ts"

/** What the config says of an entry, whatever its manager is. */
export type EntrySettings = {
  readonly entry: Entry
  /** By key of its JSON object: templates. */
  readonly variables: Readonly<Record<string, string>>
  readonly readers?: Readers
  /**
   * It is made where there is none. Left out, that is an error: keys, policies and replication of
   * an entry are made by those who own it.
   */
  readonly create?: boolean
}

/** An output that is an entry of a secret manager: a JSON object, some of whose keys are ours. */
export function openEntry(settings: EntrySettings): Output {
  const { entry, readers } = settings
  const shown = showingOf(settings)
  const own = { entry, shown }
  return {
    target: entry.id,
    place: { kind: "entry", id: entry.id },
    shows: showsOf(shown),
    apart: true,
    ...(readers === undefined ? {} : { readers }),
    read: async (signal = never()) => (await entry.read(signal))?.bytes,
    mark: (signal) => entry.mark(signal),
    prepare: (values, issued, signal) => {
      const again = issued.mayStillLand?.(entry.id) === true
      const plan: Planner = (ends) => planOf(settings, shown, { values, issued, signal: ends })
      return draftOf(own, plan, { again, signal, values })
    },
    restore: (before, signal, { again } = { again: false }) =>
      draftOf(own, (ends) => wayBack(settings, shown, before, ends), { again, signal }),
    compare: (values, signal) => compare(settings, shown, values, signal),
    remove: (secrets, issued, signal) => {
      const plan: Planner = (ends) => removal(settings, shown, { secrets, issued, signal: ends })
      return draftOf(own, plan, { again: false, signal })
    },
    adopt: async (secrets, signal = never()) => {
      const seen = await entry.read(signal)
      return adoptFrom(shown, heldNow(shown, seen), secrets)
    },
    tidy: () => Promise.resolve(),
    ...(entry.inspect === undefined
      ? {}
      : {
          inspect: (signal) =>
            entry.inspect?.(signal) ?? Promise.resolve({ account: "", findings: [] }),
        }),
    ...(entry.drop === undefined
      ? {}
      : { drop: (token, signal) => entry.drop?.(token, signal) ?? Promise.resolve() }),
  }
}

/** For a caller that has no deadline of its own. */
function never(): AbortSignal {
  return new AbortController().signal
}

function showingOf({ entry, variables }: EntrySettings): Showing {
  return {
    target: entry.label,
    readerName: "its reader",
    toTell: "write the value as a text, in quotes",
    variables: Object.entries(variables).map(([name, template]) => variableOf(name, template)),
  }
}

function namesOf({ variables }: Showing): readonly string[] {
  return variables.map(({ name }) => name)
}

function heldNow(shown: Showing, seen: Seen | undefined): ReturnType<typeof heldIn> {
  return heldIn(contentsOf(seen?.bytes, shown.target), namesOf(shown), shown.target)
}

type Planning = {
  readonly values: Values
  readonly issued: IssuedVersions
  readonly signal: AbortSignal
}

/** Reads and judges; writes nothing. */
async function planOf(
  { entry, create = false }: EntrySettings,
  shown: Showing,
  { values, issued, signal }: Planning,
): Promise<Plan> {
  const seen = await entry.read(signal)
  if (seen === undefined && !create) throw missing(shown)
  await entry.mayWrite?.(seen, signal)
  const contents = contentsOf(seen?.bytes, shown.target)
  const present = heldIn(contents, namesOf(shown), shown.target)
  const rendered = renderBeside(shown, values, present)
  const drift = await findDrift(shown, present, rendered, issued)
  if (drift !== undefined) throw driftError(shown, drift, `empty it ("${drift.name}": "")`)
  signal.throwIfAborted()
  const next = Buffer.from(spliced(contents, rendered, shown.target))
  entry.mustHold?.(next)
  return { seen, bytes: next, changes: changedIn(shown, seen, next) }
}

function missing({ target }: Showing): AppError {
  return new AppError("entry-missing", `there is no ${target.replace(/^the /, "")}`, {
    hint:
      "make it where your infrastructure is described, with its keys and policies, " +
      "or write create: true beside it in the config",
  })
}

/** Never deletes: without a former content only our keys go. */
async function wayBack(
  { entry, create = false }: EntrySettings,
  shown: Showing,
  before: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<Plan> {
  const seen = await entry.read(signal)
  if (seen === undefined && before !== undefined && !create) throw missing(shown)
  const former = contentsOf(before, shown.target)
  const now = contentsOf(seen?.bytes, shown.target)
  const next =
    former.text === "" ? taken(now.text, namesOf(shown)) : putBack(now, former, namesOf(shown))
  return { seen, bytes: Buffer.from(next), changes: changedIn(shown, seen, Buffer.from(next)) }
}

/** Without the keys that show one of these secrets; the entry stays. */
async function removal(
  { entry }: EntrySettings,
  shown: Showing,
  {
    secrets,
    issued,
    signal,
  }: {
    readonly secrets: readonly string[]
    readonly issued: IssuedVersions
    readonly signal: AbortSignal
  },
): Promise<Plan> {
  const seen = await entry.read(signal)
  const going = shown.variables.filter((one) => one.secrets.some((name) => secrets.includes(name)))
  const part = { ...shown, variables: going }
  const drift = await findDrift(part, heldNow(part, seen), new Map(), issued)
  if (drift !== undefined) throw driftError(shown, drift, `empty it ("${drift.name}": "")`)
  const { text } = contentsOf(seen?.bytes, shown.target)
  const bytes = Buffer.from(taken(text, namesOf(part)))
  return { seen, bytes, changes: changedIn(shown, seen, bytes) }
}

async function compare(
  { entry }: EntrySettings,
  shown: Showing,
  values: Values,
  signal: AbortSignal,
): Promise<"same" | "differs" | "missing"> {
  const held = heldNow(shown, await entry.read(signal))
  const rendered = renderBeside(shown, values, held)
  return worstOf(
    [...rendered].map(([name, value]) => {
      const now = held.get(name)
      if (now === undefined || now.value === "") return value === "" ? "same" : "missing"
      return now.value === value ? "same" : "differs"
    }),
  )
}

/** Names of our keys that differ. */
function changedIn(shown: Showing, seen: Seen | undefined, next: Uint8Array): Draft["changes"] {
  const before = heldNow(shown, seen)
  const after = heldIn(contentsOf(next, shown.target), namesOf(shown), shown.target)
  return namesOf(shown).filter((name) => before.get(name)?.value !== after.get(name)?.value)
}
