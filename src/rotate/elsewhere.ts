import { AppError } from "../base/error.ts"
import { isSamePlace, mayHide, type Place } from "../base/place.ts"
import { type ChangeSet, openSetOf, openSets } from "../core/state.ts"
import type { Session } from "./session.ts"

/**
 * Programs (of the driver `exec`, and restart hooks) that an earlier run began, was killed in, and that go on where this run
 * cannot see them: in another process namespace, or on another machine. What cannot be settled is not settled: nothing is
 * called dead, and no program is started beside one that may still run.
 */

type Unseen = { readonly code: "other-namespace"; readonly says: string }

/** Of a journal: undefined where nothing can be hidden from this run. */
export function hiddenOf(session: Session, set: ChangeSet): Unseen | undefined {
  const { place } = session.work
  const where = place === undefined || set.ranIn === undefined ? undefined : mayHide(set.ranIn, place)
  return where === undefined ? undefined : unseen(session, where, `${set.id}/`)
}

/** At the service of `name`: of the journal that it is in, or of an act beside the journals. */
export function hiddenActOf(session: Session, name: string): Unseen | undefined {
  const { place } = session.work
  const set = openSetOf(session.document, name)
  const hidden = set === undefined ? undefined : hiddenOf(session, set)
  if (hidden !== undefined) return hidden
  const { acting } = session.document
  if (place === undefined || acting === undefined || !runsProgram(session, name)) return undefined
  const where = mayHide(acting, place)
  return where === undefined ? undefined : unseen(session, where)
}

function unseen({ work, document }: Session, where: string, hooks?: string): Unseen {
  const marks = [`exec ${work.environment}/[^#]*#${document.id.slice(0, 8)}`, ...(hooks === undefined ? [] : [hooks])]
  const command = `grep -lszE '^MYCELIUM_RUN=(${marks.join("|")})' /proc/[0-9]*/environ`
  const on = where === "on another machine" ? "on that machine" : "on the host"
  return {
    code: "other-namespace",
    says: `a program that an earlier run began may still run ${where}, where this one cannot see it: ${on}, as root, ${command} names it; once that names nothing, mycelium reconcile ${work.environment} --nothing-runs goes on`,
  }
}

function runsProgram(session: Session, name: string): boolean {
  return session.work.drivers[name]?.runsProgram === true
}

/** May a run that is killed in this journal leave a program behind? */
export function mayLeave(session: Session, set: ChangeSet): boolean {
  return set.touched.length > 0 || set.secrets.some((name) => runsProgram(session, name))
}

/** How long (ms) the kernel takes at most to end what ran beside a process 1 that is gone: the lock is free a moment before. */
const reapMs = 1000

async function untilEnded({ work }: Session, then: Place | undefined): Promise<void> {
  if (then?.init === true && work.place !== undefined && !isSamePlace(then, work.place)) await work.host.pause(reapMs)
}

/** Before the first program of a resumed journal: where it lives from now on is durable. */
export async function takeOver(session: Session): Promise<void> {
  const { changeSet, work } = session
  if (work.place === undefined || changeSet === undefined || !mayLeave(session, changeSet)) return
  await untilEnded(session, changeSet.ranIn)
  if (JSON.stringify(changeSet.ranIn) !== JSON.stringify(work.place)) await session.commit({})
}

/** Before a program that no journal tells of: a revoke, the end of a login. */
export async function beginActing(session: Session, names: readonly string[]): Promise<void> {
  const { place } = session.work
  if (place === undefined || !names.some((name) => runsProgram(session, name) && hiddenActOf(session, name) === undefined)) return
  await untilEnded(session, session.document.acting)
  if (JSON.stringify(session.document.acting) !== JSON.stringify(place)) await session.commit({ acting: place })
}

/** This run ends in order, and nothing of it runs any more (`runs`): what it has left open can be taken up anywhere. */
export async function leave(session: Session, runs: (mark: string) => boolean): Promise<void> {
  const { work, document } = session
  const mine = JSON.stringify(work.place)
  const sets = openSets(document).filter(({ ranIn }) => JSON.stringify(ranIn) === mine)
  const acts = JSON.stringify(document.acting) === mine
  if (work.place === undefined || (sets.length === 0 && !acts)) return
  if (runs(`exec ${work.environment}/`) || sets.some(({ id }) => runs(`${id}/`))) return
  await session.commit({ leaves: sets.map(({ id }) => id), ...(acts ? { acting: null } : {}) })
}

/** A person has looked: nothing of an earlier run lives any more. */
export async function declareOver(session: Session): Promise<void> {
  const sets = openSets(session.document).filter(({ ranIn }) => ranIn !== undefined)
  if (sets.length === 0 && session.document.acting === undefined) throw new AppError("usage", `nothing of ${session.work.environment} may still run: --nothing-runs says nothing here`, { hint: "leave it out" })
  await session.commit({ leaves: sets.map(({ id }) => id), acting: null, events: [{ event: "declared-over", code: "other-namespace" }], flush: true })
}
