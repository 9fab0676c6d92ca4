import { versionAt } from "../../core/version.ts"

import { latest, namesOf } from "./entry.ts"
import type { Fault } from "./fault.ts"
import type { NotContained, Line } from "./model.ts"
import type { Source } from "./source.ts"

/**
 * What was chosen and no line of this incident speaks of: its environment could not be opened (it
 * was locked, its state unreadable or older than its log), so its own log could not be written, and
 * those of the others tell that it was chosen.
 */
export function unopened(
  sources: readonly Source[],
  lines: readonly Line[],
): readonly NotContained[] {
  const chosen = lines.filter(({ event }) => event === "contain")
  const words = new Set(
    chosen.flatMap(({ selection }) => (Array.isArray(selection) ? selection.map(String) : [])),
  )
  const last = latest(chosen.map(({ at }) => at)) ?? ""
  return sources.flatMap((source): readonly NotContained[] => {
    const { environment } = source
    const chosenHere = choiceOf(words, environment)
    const own = lines.filter((line) => line.environment === environment)
    const why = unusable(source)
    if (why !== undefined)
      return own.length > 0
        ? []
        : placesOf(chosenHere).map((place) => ({ environment, ...place, ...why }))
    return unspoken({ source, chosen: chosenHere, own, last })
  })
}

/** What the selection says of one environment: all of it, some secrets, or these. */
type Choice = { readonly all: boolean; readonly some: boolean; readonly named: readonly string[] }

function choiceOf(words: ReadonlySet<string>, environment: string): Choice {
  const named = [...words].flatMap((word) =>
    word.startsWith(`${environment}/`) ? [word.slice(environment.length + 1)] : [],
  )
  return {
    all: words.has("--all") || words.has(environment),
    some: named.includes("*"),
    named,
  }
}

function unusable({ unreadable, document, log }: Source): Fault | undefined {
  if (unreadable !== undefined) return unreadable
  return document === undefined && log.lines > 0
    ? { code: "state-older", message: "its state is gone" }
    : undefined
}

/** As far as the selection names them. */
function placesOf({ all, some, named }: Choice): readonly Pick<NotContained, "secret" | "some">[] {
  if (all) return [{}]
  return some ? [{ some }] : named.map((secret) => ({ secret }))
}

type Unspoken = {
  readonly source: Source
  readonly chosen: Choice
  /** The environment's own lines of the incident. */
  readonly own: readonly Line[]
  /** When a containment was last chosen. */
  readonly last: string
}

/** Its state can be read: secrets with a value that no line speaks of. */
function unspoken({ source, chosen, own, last }: Unspoken): readonly NotContained[] {
  const { environment, document } = source
  const { all, some, named } = chosen
  // A value that came later could not have been taken.
  const holds = Object.entries(document?.secrets ?? {}).flatMap(([name, state]) =>
    (versionAt(state, "current")?.madeAt ?? "~") < last ? [name] : [],
  )
  if (some && !all)
    return own.length > 0 || holds.length === 0
      ? []
      : [{ environment, some, code: "not-contained", message: "nothing was done in it" }]
  const spoken = new Set(own.flatMap((line) => namesOf(line) ?? []))
  const missed = holds.filter((name) => (all || named.includes(name)) && !spoken.has(name))
  const why = { code: "not-contained", message: "nothing was done in its environment" }
  return all && own.length === 0 && missed.length > 0
    ? [{ environment, ...why }]
    : missed.map((secret) => ({ environment, secret, ...why }))
}
