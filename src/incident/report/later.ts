import { incidentsOf } from "../../core/contained.ts"
import { namesOf, textOf } from "./entry.ts"
import type { Line, OfSecret } from "./model.ts"

/** What a later incident has contained is contained for the earlier one, too; pure. */

export type Later = {
  readonly incident: string
  /** Its lines of this secret; its restarts. */
  readonly lines: readonly Line[]
  readonly restarts: readonly Line[]
}

/**
 * The first later containment that made a value for a secret which this incident was chosen for and
 * did not contain. By the order of the log, which no clock changes.
 */
export function laterOf({ source, incident, name, lines }: OfSecret): Later | undefined {
  const { environment, entries, document } = source
  if (lines.some(({ event }) => event === "promote")) return undefined
  const chosen = entries.findLast(
    (entry) =>
      entry.event === "contain" &&
      entry["incident"] === incident &&
      namesOf(entry)?.includes(name) === true,
  )
  if (chosen === undefined) return undefined
  const others = incidentsOf(document?.secrets[name]?.contained).filter((one) => one !== incident)
  const promote = entries.find(
    (entry) =>
      entry.n > chosen.n &&
      entry.event === "promote" &&
      textOf(entry, "secret") === name &&
      others.includes(textOf(entry, "incident") ?? ""),
  )
  const by = promote && textOf(promote, "incident")
  if (by === undefined) return undefined
  const all = entries
    .filter((entry) => entry.n > chosen.n && entry["incident"] === by)
    .map((entry): Line => ({ ...entry, environment }))
  return {
    incident: by,
    lines: all.filter((line) => textOf(line, "secret") === name),
    restarts: all.filter(({ event }) => event === "restart" || event === "health"),
  }
}
