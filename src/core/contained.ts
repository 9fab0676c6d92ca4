import type { AuditEvent } from "./audit-line.ts"
import type { Contained, SecretState, Uncontained } from "./state.ts"
import { compromisedAgain, openContainment } from "./open-containment.ts"
import { type Version, valueOf, versionAt, versionNumber } from "./version.ts"

/** For which incidents a secret is contained, and when a value that was taken away counts again; pure. */

/** How many earlier incidents a secret remembers. */
const incidentsMost = 50

/** What was contained later counts for each incident that it was chosen for before. */
export function containedFor(
  { contained }: Pick<SecretState, "contained">,
  incident: string,
): Contained | undefined {
  return contained !== undefined && incidentsOf(contained).includes(incident)
    ? contained
    : undefined
}

/** It was chosen for this incident, and that is not at its end. */
export function isOpenFor({ uncontained }: SecretState, incident: string): boolean {
  return incidentsOf(uncontained).includes(incident)
}

/** The incident that it is, or was, contained in: the last one. */
export function incidentOf(state: SecretState): string | undefined {
  return openContainment(state)?.incident ?? state.contained?.incident
}

/** All incidents that a containment ends or has ended, the last one first. */
export function incidentsOf(
  of: Pick<Contained, "incident" | "also"> | undefined,
): readonly string[] {
  return of === undefined ? [] : [of.incident, ...(of.also ?? [])]
}

/** The earlier incidents of a secret beside `incident`: as a field, left out where there is none. */
export function alsoOf(
  incident: string,
  ...earlier: readonly (readonly string[])[]
): Pick<Contained, "also"> {
  const also = [...new Set(earlier.flat())].filter((one) => one !== incident)
  return also.length === 0 ? {} : { also: also.slice(0, incidentsMost) }
}

export type NotedBack = { readonly state: SecretState; readonly events: readonly AuditEvent[] }

/**
 * A change of the state by which a value that a containment took away counts again (adopted, found
 * alive): the secret is not contained any more. The one who makes the change need not think of it.
 */
export function noteBack(
  name: string,
  { before, next }: { readonly before: SecretState; readonly next: SecretState },
  now: Date,
): NotedBack {
  const back = backAgain(before, next)
  const { contained } = next
  if (back === undefined || contained === undefined || next.uncontained !== undefined)
    return { state: next, events: [] }
  const uncontained: Uncontained = {
    incident: contained.incident,
    since: now.toISOString(),
    code: compromisedAgain.code,
    ...alsoOf(contained.incident, incidentsOf(contained)),
  }
  const { incident, code } = uncontained
  return {
    state: { ...next, uncontained },
    events: [{ event: "not-contained", secret: name, version: back.id, code, incident }],
  }
}

/** A containment took away the value of this version. */
export function isTakenAway(state: SecretState, id: string): boolean {
  const one = state.versions.find((version) => version.id === id)
  return one !== undefined && takenBy(state)(one)
}

function takenBy({ contained, versions }: SecretState): (one: Version) => boolean {
  const made = versionNumber(contained?.version ?? "v0")
  const older = versions.filter(({ id }) => versionNumber(id) < made)
  const values = new Set(older.map(valueOf))
  return (one) => values.has(valueOf(one))
}

function backAgain(before: SecretState, next: SecretState): Version | undefined {
  const { contained } = next
  if (contained === undefined || contained.version !== before.contained?.version) return undefined
  const isTaken = takenBy(next)
  const current = versionAt(before, "current")?.id
  return next.versions.find((one) => {
    if (one.stage.kind === "retired" || !isTaken(one)) return false
    const was = before.versions.find(({ id }) => id === one.id)?.stage.kind ?? "retired"
    return was === "retired" || (one.stage.kind === "current" && one.id !== current)
  })
}
