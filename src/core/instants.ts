import { type SecretState, type StateDocument } from "./state.ts"
import { type ChangeSet, openSets } from "./change-set.ts"
import type { Stage, Version } from "./version.ts"

/**
 * No promise outlives the clock that made it. What was done lies in the past, whatever it says: an
 * instant after `now` was written by a clock that ran ahead, and what follows from it (an age, a
 * grace, a wait) is judged by what can be true.
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

/**
 * As `toISOString` writes it: two such texts stand in the order of their times, and to compare them
 * costs a tenth of reading them.
 */
function isWritten(at: string): boolean {
  return (
    at.length === 24 &&
    at.charCodeAt(23) === 90 &&
    at.charCodeAt(10) === 84 &&
    at.charCodeAt(4) === 45 &&
    at.charCodeAt(0) <= 57
  )
}

/**
 * How far (ms) the newest instant of something done lies after `now`; 0 where none lies so far that
 * a clock must have been wrong.
 */
export function aheadOf(document: StateDocument, now: Date): number {
  let newest = Number.NEGATIVE_INFINITY
  let written = ""
  const see = (at: string | undefined): void => {
    if (at === undefined) return
    if (!isWritten(at)) newest = Math.max(newest, Date.parse(at) || Number.NEGATIVE_INFINITY)
    else if (at > written) written = at
  }
  for (const { startedAt } of openSets(document)) see(startedAt)
  for (const name in document.secrets) seeDone(document.secrets[name], see)
  if (written !== "") newest = Math.max(newest, Date.parse(written))
  return newest > now.getTime() + toleranceMs ? newest - now.getTime() : 0
}

/**
 * Each instant of something done. A loop without a copy: a document may hold a hundred thousand
 * secrets.
 */
function seeDone(state: SecretState | undefined, see: (at: string | undefined) => void): void {
  if (state === undefined) return
  see(state.rotatedAt)
  see(state.drift?.since)
  see(state.contained?.at)
  see(state.uncontained?.since)
  see(state.unhealthy?.since)
  see(state.unwritten?.since)
  see(state.erased?.at)
  for (const { madeAt, stage } of state.versions) {
    see(madeAt)
    if (stage.kind === "retired" || stage.kind === "previous") see(stage.since)
  }
}

/** The document as it can be true at `now`; the same one where nothing in it contradicts that. */
export function believable(document: StateDocument, now: Date): StateDocument {
  if (isAllBelievable(document, now)) return document
  const { changeSet, deferred } = document
  const secrets = Object.entries(document.secrets).map(
    ([name, state]) => [name, believableState(state, now)] as const,
  )
  const set = (one: ChangeSet): ChangeSet => ({ ...one, startedAt: done(one.startedAt, now) })
  return {
    ...document,
    secrets: Object.fromEntries(secrets),
    ...(changeSet === undefined ? {} : { changeSet: set(changeSet) }),
    ...(deferred === undefined ? {} : { deferred: deferred.map(set) }),
  }
}

function isAllBelievable(document: StateDocument, now: Date): boolean {
  if (openSets(document).some(({ startedAt }) => isAhead(startedAt, now))) return false
  for (const name in document.secrets) {
    const state = document.secrets[name]
    if (state !== undefined && believableState(state, now) !== state) return false
  }
  return true
}

/**
 * The first instant at which nothing can have been done, as a time and as it is written. Asked
 * again and again for one `now`.
 */
let limit = { now: Number.NaN, time: Number.NaN, written: "" }
function limitAt(now: Date): typeof limit {
  const time = now.getTime()
  if (limit.now !== time)
    limit = {
      now: time,
      time: time + toleranceMs,
      written: new Date(time + toleranceMs).toISOString(),
    }
  return limit
}

function isAhead(at: string | undefined, now: Date): boolean {
  return isAfter(at, limitAt(now))
}

function isAfter(at: string | undefined, { time, written }: typeof limit): boolean {
  if (at === undefined) return false
  return isWritten(at) && isWritten(written) ? at > written : Date.parse(at) > time
}

/** Done no later than now. */
function done(at: string, now: Date): string {
  return isAhead(at, now) ? now.toISOString() : at
}

/**
 * Of hundreds of thousands of secrets hardly one is not: those are told without being made anew.
 */
function isBelievable(state: SecretState, now: Date): boolean {
  const { retry, versions } = state
  if (retry !== undefined && Date.parse(retry.notBefore) > now.getTime() + longestWaitMs)
    return false
  const last = limitAt(now)
  if (
    isAfter(state.rotatedAt, last) ||
    isAfter(state.drift?.since, last) ||
    isAfter(state.contained?.at, last)
  )
    return false
  if (
    isAfter(state.uncontained?.since, last) ||
    isAfter(state.unhealthy?.since, last) ||
    isAfter(state.erased?.at, last)
  )
    return false
  return !versions.some(
    ({ madeAt, stage }) =>
      isAfter(madeAt, last) ||
      ((stage.kind === "retired" || stage.kind === "previous" || stage.kind === "uncertain") &&
        isAfter(stage.since, last)),
  )
}

/**
 * One secret's state as it can be true at `now`; the same one where nothing in it contradicts that.
 */
export function believableState(state: SecretState, now: Date): SecretState {
  if (isBelievable(state, now)) return state
  const { rotatedAt, retry, drift, contained, uncontained, unhealthy, unwritten, erased } = state
  const changed: SecretState = {
    ...state,
    // Its age is not known: it is due at the next scheduled time.
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
    ...(unwritten === undefined
      ? {}
      : { unwritten: { ...unwritten, since: done(unwritten.since, now) } }),
    ...(erased === undefined ? {} : { erased: { ...erased, at: done(erased.at, now) } }),
    versions: state.versions.map((version) => believableVersion(version, rotatedAt, now)),
  }
  return JSON.stringify(changed) === JSON.stringify(state) ? state : changed
}

type Uncertain = Extract<Stage, { readonly kind: "uncertain" }>

/** As long as it was meant. */
function believableWait(stage: Uncertain, now: Date): Uncertain {
  const { since, notBefore } = stage
  if (since === undefined || notBefore === undefined || !isAhead(since, now)) return stage
  const waits = Math.max(0, Date.parse(notBefore) - Date.parse(since))
  const until = new Date(now.getTime() + waits).toISOString()
  return { ...stage, since: now.toISOString(), notBefore: until }
}

function believableVersion(version: Version, rotatedAt: string | undefined, now: Date): Version {
  const { stage } = version
  const madeAt = done(version.madeAt, now)
  if (stage.kind === "retired")
    return { ...version, madeAt, stage: { ...stage, since: done(stage.since, now) } }
  if (stage.kind === "uncertain") return { ...version, madeAt, stage: believableWait(stage, now) }
  if (stage.kind !== "previous") return { ...version, madeAt }
  // A grace is as long as it was meant; an older state does not say since when it runs, but when
  // its rotation began.
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
