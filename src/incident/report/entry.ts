import type { AuditEntry } from "../../record/audit-read.ts"

/**
 * Fields of a line of the log, which is outside data: an older or a newer Mycelium may have written
 * it.
 */

export function textOf(entry: AuditEntry, field: string): string | undefined {
  const value = entry[field]
  return typeof value === "string" ? value : undefined
}

/** The secrets that a line is about; undefined where it does not say. */
export function namesOf(entry: AuditEntry): readonly string[] | undefined {
  const { secret, secrets } = entry as Readonly<Record<string, unknown>>
  if (typeof secret === "string") return [secret]
  return Array.isArray(secrets) ? secrets.filter((name) => typeof name === "string") : undefined
}

/**
 * When what a line tells of began: a containment, when its command was given, for it resumes what it
 * finds unfinished before it writes its first line.
 */
export function begunAt(entry: AuditEntry): string {
  const asked = entry.event === "contain" ? textOf(entry, "asked") : undefined
  return asked !== undefined && Date.parse(asked) <= Date.parse(entry.at) ? asked : entry.at
}

/** What to show of a line's `event` where it is a failure of something. */
export const failures: Readonly<Record<string, string>> = {
  left: "left as it was",
  "give-up": "given up before any service saw a value",
  "rolled-back": "went back to the old value",
  "revoke-failed": "old value not proven dead",
  "not-contained": "not contained",
  drift: "current value refused",
  "output-owed": "file left as it was",
}

export function latest(instants: readonly string[]): string | undefined {
  return instants.toSorted().at(-1)
}

/** The oldest first; those of one instant stay in their order. */
export function byTime<One extends { readonly at: string }>(all: readonly One[]): readonly One[] {
  return all.toSorted((one, other) => Number(one.at > other.at) - Number(one.at < other.at))
}
