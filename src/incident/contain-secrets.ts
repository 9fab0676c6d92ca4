import { containedFor } from "../core/contained.ts"
import { olderHolder, versionAt } from "../core/version.ts"
import { describeError } from "../base/error.ts"
import type { Revoked } from "../rotate/revoke/revoked.ts"
import { isNothingNew, noteRevoked } from "../rotate/revoke/note.ts"
import type { SecretState } from "../core/state.ts"
import { unaskedIn } from "../core/places.ts"
import { holdsContained, owesRevokeOthers } from "../core/open-containment.ts"

import { mayOvertake } from "../rotate/recover.ts"
import { beginRevoke, takeAway } from "../rotate/revoke.ts"
import type { Session } from "../rotate/session.ts"
import type { Outcomes } from "../rotate/work.ts"
import { askHeld } from "./ask-held.ts"
import { begun, chosenOf, isListed, leftOut } from "./chosen.ts"
import { containRest } from "./contain-rest.ts"
import type { Acted, Task } from "./containment.ts"
import { uncontained } from "./note-uncontained.ts"
import { isErased } from "./verdict.ts"

/** The acts of a containment in one environment, all under one lock. */

/** `recovered`: what became of rotations that were under way. */
export async function containSecrets(
  session: Session,
  { secrets, selection, options }: Task,
  recovered: Outcomes,
): Promise<Acted> {
  const all = chosenOf(session, secrets)
  const there = all.filter((name) => !isErased(session.state(name)))
  const holds = (name: string): boolean => isHeld(session.state(name), options.incident)
  const asked = await askHeld(session, there.filter(holds), options.incident)
  const [before, rest] = partition(there, holds)
  const [listed, strange] = partition(rest, (name) => isListed(session, name))
  // Of the others it is unknown what their service takes: that is said in `recovered`.
  const overtakes = listed.filter((name) => mayOvertake(session, name, recovered[name]))
  const wanted = listed.filter((name) => !session.isOpen(name) || overtakes.includes(name))
  for (const event of begun(rest, { selection, options })) session.queueEvent(event)
  session.noteSecrets(
    Object.fromEntries(rest.map((name) => [name, uncontained(session, options, "not-contained")])),
  )
  const { owed, outcomes, revoked } = await beside(session, before, (isEarly) =>
    containRest(session, { wanted, overtakes, known: isEarly ? all : rest, options }),
  )
  const news = owed.filter((one) => !isNothingNew(session, one))
  const left = strange.map((name) => [name, leftOut(session, name)] as const)
  return {
    environment: session.work.environment,
    recovered,
    outcomes: { ...outcomes, ...Object.fromEntries(left) },
    revoked: lastOfEach([...news, ...revoked]),
    asked,
    before: before.filter(
      (name) => !news.some(({ secret }) => secret === name) && recovered[name]?.kind !== "rotated",
    ),
  }
}

type Rest = Awaited<ReturnType<typeof containRest>>

/**
 * Takes away what an earlier run of this incident still has to, beside the rest: a server that
 * hangs holds up no other secret. `rest` is told whether that was over first.
 */
async function beside(
  session: Session,
  before: readonly string[],
  rest: (isEarly: boolean) => Promise<Rest>,
): Promise<Rest & { readonly owed: readonly Revoked[] }> {
  const owedBefore = { skipGrace: true, secrets: before, sessions: true }
  await beginRevoke(session, owedBefore)
  const taking = takeAway(session, owedBefore)
  const early = (await endsSoon(session, taking))
    ? await noteRevoked(session, await taking)
    : undefined
  const resting =
    session.changeSet === undefined
      ? rest(early !== undefined)
      : Promise.resolve({ outcomes: {}, revoked: [] })
  // If one of the two fails, too: nothing is under way at a service any more when the lock is
  // released.
  await Promise.allSettled([taking, resting])
  // First: a death that was proven is noted whatever became of the rest.
  const owed = early ?? (await noteLate(session, await taking))
  return { ...(await resting), owed }
}

/** A failure to write it down is told: what became of the rest is known all the same. */
async function noteLate(
  session: Session,
  revoked: readonly Revoked[],
): Promise<readonly Revoked[]> {
  try {
    return await noteRevoked(session, revoked)
  } catch (error) {
    session.work.onProgress("log", describeError(error).message)
    return revoked
  }
}

/**
 * An earlier run of this incident, or a later incident, has made its value, and that holds. It does
 * not hold if the service refuses it now: an intruder was in again. Nor does it if the old values
 * are still to be taken away and another value was adopted meanwhile: it is unknown how old the
 * sessions of that one are, so nothing could be proven dead beside it. Those get a fresh value.
 */
export function isHeld(state: SecretState, incident: string): boolean {
  const { uncontained, drift } = state
  const contained = containedFor(state, incident)
  if (contained === undefined || uncontained !== undefined || drift !== undefined) return false
  if (olderHolder(state, contained.version) !== undefined) return false
  if (versionAt(state, "current") === undefined) return false
  const owes = owesRevokeOthers(state) || unaskedIn(state).length > 0
  return (!owes && contained.sessions === undefined) || holdsContained(state)
}

/** How long (ms) the rest waits for what is owed: an answer in that time is noted before. */
const soonMs = 500

async function endsSoon(
  { work: { host, stop } }: Session,
  act: Promise<unknown>,
): Promise<boolean> {
  const ended = new AbortController()
  const end = (): void => ended.abort()
  act.then(end, end)
  await host.pause(soonMs, AbortSignal.any([ended.signal, stop]))
  return ended.signal.aborted
}

function partition(
  names: readonly string[],
  first: (name: string) => boolean,
): readonly [readonly string[], readonly string[]] {
  return [names.filter(first), names.filter((name) => !first(name))]
}

/** What became of each version in the end. */
function lastOfEach(revoked: readonly Revoked[]): readonly Revoked[] {
  return [...new Map(revoked.map((one) => [`${one.secret} ${one.version}`, one])).values()]
}
