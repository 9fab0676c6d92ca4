import type { AuditEntry } from "../../record/audit-read.ts"
import { namesOf, textOf } from "./entry.ts"
import type { OfSecret } from "./model.ts"

/**
 * What other runs did to a secret between the beginning of an incident and its containment; pure. By
 * the order of the log, which no clock changes.
 */

/** The number of the first line that chose the secret, or is about it. */
export function beginningOf({ source: { entries }, incident, name }: OfSecret): number {
  const first = entries.find(
    (entry) => entry["incident"] === incident && namesOf(entry)?.includes(name) === true,
  )
  return first?.n ?? 0
}

/**
 * The value that leaked: current when the incident began, whoever replaced it then. undefined: no
 * line tells.
 */
export function currentThen(about: OfSecret): string | undefined {
  const begun = beginningOf(about)
  const makings = about.source.entries.filter((entry) => isMaking(entry, about.name))
  const next = makings.find(({ n }) => n >= begun)
  if (next === undefined) return undefined
  const replaced = textOf(next, next.event === "promote" ? "replaces" : "was")
  const before = makings.findLast(({ n }) => n < begun)
  return replaced ?? (before && textOf(before, "version"))
}

function isMaking(entry: AuditEntry, name: string): boolean {
  return (entry.event === "promote" || entry.event === "adopt") && textOf(entry, "secret") === name
}

/** Values that came between, each current for a while. `until`: the value of the incident. */
export function madeBetween(about: OfSecret, until: string | undefined): readonly string[] {
  const { source, name, incident, later } = about
  const begun = beginningOf(about)
  const ours = [incident, ...(later === undefined ? [] : [later])]
  const makings = source.entries.filter((entry) => entry.n > begun && isMaking(entry, name))
  const end =
    until === undefined ? -1 : makings.findIndex((entry) => textOf(entry, "version") === until)
  const between = end === -1 ? makings : makings.slice(0, end)
  return between
    .filter((entry) => !ours.includes(textOf(entry, "incident") ?? ""))
    .flatMap((entry) => textOf(entry, "version") ?? [])
}
