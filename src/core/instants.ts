import {
  type ChangeSet,
  type SecretState,
  type StateDocument,
  type Version,
  openSets,
} from "./state.ts"

/**
 * No promise outlives the clock that made it. What was done lies in the past, whatever it says: an instant after `now` was
 * written by a clock that ran ahead, and what follows from it (an age, a grace, a wait) is judged by what can be true.
 */

/** What clocks that run true may differ by (ms). */
export const toleranceMs = 300_000
/** Twice the longest time between two attempts (ms): no wait is longer. */
export const longestWaitMs = 7_200_000
/** No clock is before the day on which this was written. */
const writtenAt = Date.parse("2026-11-01T00:00:00Z")

export function isBeforeUs(now: Date): boolean {
  return now.getTime() < writtenAt
}

/** How far (ms) the newest instant of something done lies after `now`; 0 where none lies so far that a clock must have been wrong. */
export function aheadOf(document: StateDocument, now: Date): number {
  let newest = Number.NEGATIVE_INFINITY
  const see = (at: string | undefined): void => {
    const time = at === undefined ? Number.NaN : Date.parse(at)
    if (time > newest) newest = time
  }
  for (const { startedAt } of openSets(document)) see(startedAt)
  for (const state of Object.values(document.secrets)) seeDone(state, see)
  return newest > now.getTime() + toleranceMs ? newest - now.getTime() : 0
}

function seeDone(
  { rotatedAt, drift, contained, uncontained, unhealthy, erased, versions }: SecretState,
  see: (at: string | undefined) => void,
): void {
  for (const at of [
    rotatedAt,
    drift?.since,
    contained?.at,
    uncontained?.since,
    unhealthy?.since,
    erased?.at,
  ])
    see(at)
  for (const { madeAt, stage } of versions) {
    see(madeAt)
    if (stage.is === "kept" || stage.is === "previous") see(stage.since)
  }
}

/** The document as it can be true at `now`; the same one where nothing in it contradicts that. */
export function believable(document: StateDocument, now: Date): StateDocument {
  const secrets = Object.entries(document.secrets).map(
    ([name, state]) => [name, believableState(state, now)] as const,
  )
  if (
    aheadOf(document, now) === 0 &&
    secrets.every(([name, state]) => state === document.secrets[name])
  )
    return document
  const { changeSet, parked } = document
  const set = (one: ChangeSet): ChangeSet => ({ ...one, startedAt: done(one.startedAt, now) })
  return {
    ...document,
    secrets: Object.fromEntries(secrets),
    ...(changeSet === undefined ? {} : { changeSet: set(changeSet) }),
    ...(parked === undefined ? {} : { parked: parked.map(set) }),
  }
}

function isAhead(at: string | undefined, now: Date): boolean {
  return at !== undefined && Date.parse(at) > now.getTime() + toleranceMs
}

/** Done no later than now. */
function done(at: string, now: Date): string {
  return isAhead(at, now) ? now.toISOString() : at
}

/** Of hundreds of thousands of secrets hardly one is not: those are told without being made anew. */
function isBelievable(state: SecretState, now: Date): boolean {
  let ahead =
    state.retry !== undefined && Date.parse(state.retry.notBefore) > now.getTime() + longestWaitMs
  seeDone(state, (at) => {
    if (isAhead(at, now)) ahead = true
  })
  return !ahead
}

/** One secret's state as it can be true at `now`; the same one where nothing in it contradicts that. */
export function believableState(state: SecretState, now: Date): SecretState {
  if (isBelievable(state, now)) return state
  const { rotatedAt, retry, drift, contained, uncontained, unhealthy, erased } = state
  const changed: SecretState = {
    ...state,
    // How old it is nobody knows: due at the next tick.
    ...(rotatedAt !== undefined && isAhead(rotatedAt, now)
      ? { rotatedAt: now.toISOString(), undated: true }
      : {}),
    ...(retry === undefined || Date.parse(retry.notBefore) <= now.getTime() + longestWaitMs
      ? {}
      : { retry: { ...retry, notBefore: now.toISOString() } }),
    ...(drift === undefined ? {} : { drift: { ...drift, since: done(drift.since, now) } }),
    ...(contained === undefined
      ? {}
      : { contained: { ...contained, at: done(contained.at, now) } }),
    ...(uncontained === undefined
      ? {}
      : { uncontained: { ...uncontained, since: done(uncontained.since, now) } }),
    ...(unhealthy === undefined
      ? {}
      : { unhealthy: { ...unhealthy, since: done(unhealthy.since, now) } }),
    ...(erased === undefined ? {} : { erased: { ...erased, at: done(erased.at, now) } }),
    versions: state.versions.map((version) => believableVersion(version, rotatedAt, now)),
  }
  return JSON.stringify(changed) === JSON.stringify(state) ? state : changed
}

function believableVersion(version: Version, rotatedAt: string | undefined, now: Date): Version {
  const { stage } = version
  const madeAt = done(version.madeAt, now)
  if (stage.is === "kept")
    return { ...version, madeAt, stage: { ...stage, since: done(stage.since, now) } }
  if (stage.is !== "previous") return { ...version, madeAt }
  // A grace is as long as it was meant; an older state does not say since when it runs, but when its rotation began.
  const since = stage.since ?? rotatedAt
  if (since === undefined || !isAhead(since, now)) return { ...version, madeAt }
  const revokeAt = new Date(
    now.getTime() + Math.max(0, Date.parse(stage.revokeAt) - Date.parse(since)),
  ).toISOString()
  return {
    ...version,
    madeAt,
    stage: {
      ...stage,
      ...(stage.since === undefined ? {} : { since: now.toISOString() }),
      revokeAt,
    },
  }
}
