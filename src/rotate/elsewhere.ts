import { AppError } from "../base/error.ts"
import { present } from "../base/present.ts"
import { endMarked, marksThatRun } from "../base/processes/marked-processes.ts"
import { isSameLocation, mayHide, type RunLocation } from "../base/processes/run-location.ts"
import { runsMarked, sawEnd } from "../base/processes/live-marks.ts"
import { mayLeave, runsProgram } from "./may-leave.ts"
import {
  type Acting,
  type ChangeSet,
  openSetOf,
  openSets,
  type StateDocument,
} from "../core/state.ts"
import type { Session } from "./session.ts"

/**
 * Programs (of the driver `exec`, and restart hooks) that an earlier run began, was killed in, and
 * that go on where this run
 * cannot see them: in another process namespace, or on another machine. What cannot be settled is
 * not settled: nothing is
 * called dead, and no program is started beside one that may still run.
 */

type Unseen = { readonly code: "other-namespace"; readonly message: string }

/** Of a journal: undefined where nothing can be hidden from this run. */
export function hiddenOf(session: Session, set: ChangeSet): Unseen | undefined {
  const { location } = session.work
  const where =
    location === undefined || set.ranIn === undefined ? undefined : mayHide(set.ranIn, location)
  return where === undefined ? undefined : unseen(session, where, set.id)
}

/** At the service of `name`: of the journal that it is in, or of an act beside the journals. */
export function hiddenActOf(session: Session, name: string): Unseen | undefined {
  const set = openSetOf(session.document, name)
  const hidden = set === undefined ? undefined : hiddenOf(session, set)
  if (hidden !== undefined) return hidden
  const { unhealthy, unwritten } = session.state(name)
  // A program that reads it and was unhealthy, or was owed a restart, may be restarted beside the
  // journals.
  const again =
    session.document.acting?.again !== undefined && (unhealthy ?? unwritten) !== undefined
  return again || runsProgram(session.work, name) ? hiddenActing(session) : undefined
}

/** Of any act beside the journals. */
export function hiddenActing(session: Session): Unseen | undefined {
  const {
    document: { acting },
    work: { location },
  } = session
  const where =
    location === undefined || acting === undefined ? undefined : mayHide(acting, location)
  return where === undefined ? undefined : unseen(session, where)
}

function unseen({ work, document }: Session, where: string, hooks?: string): Unseen {
  const marks = [
    `exec ${work.environment}/[^#]*#${runIdOf(document)}`,
    ...[hooks, document.acting?.again].flatMap((id) => (id === undefined ? [] : [`${id}/`])),
  ]
  const command = `grep -lszE '^MYCELIUM_RUN=(${marks.join("|")})' /proc/[0-9]*/environ`
  const on = where === "on another machine" ? "on that machine" : "on the host"
  return {
    code: "other-namespace",
    message: `a program that an earlier run began may still run ${where}, where this one cannot see it: ${on}, as root, ${command} names it; once that names nothing, mycelium reconcile ${work.environment} --nothing-runs goes on`,
  }
}

/**
 * How long (ms) the kernel takes at most to end what ran beside a process 1 that is gone: the lock
 * is free a moment before.
 */
const reapMs = 1000

async function untilEnded({ work }: Session, then: RunLocation | undefined): Promise<void> {
  if (then?.init === true && work.location !== undefined && !isSameLocation(then, work.location))
    await work.host.pause(reapMs)
}

/** Before the first program of a resumed journal: where it lives from now on is durable. */
export async function takeOver(session: Session): Promise<void> {
  const { changeSet, work } = session
  if (work.location === undefined || changeSet === undefined || !mayLeave(work, changeSet)) return
  await untilEnded(session, changeSet.ranIn)
  if (JSON.stringify(changeSet.ranIn) !== JSON.stringify(work.location))
    await session.commit({ takesOver: true })
}

/** Before a program that no journal tells of: a revoke, the end of a login. */
export async function beginActing(session: Session, names: readonly string[]): Promise<void> {
  if (
    names.some(
      (name) => runsProgram(session.work, name) && hiddenActOf(session, name) === undefined,
    )
  )
    await act(session)
}

/**
 * Before restarts that no journal tells of: by its mark a later run finds what was left of one, and
 * `recheckHealth` ends it first.
 */
export async function beginAgain(session: Session): Promise<(deployment: string) => string> {
  const again = session.document.acting?.again ?? session.work.newId()
  await act(session, again)
  return (deployment) => `${again}/${deployment}`
}

/**
 * How long an old restart is waited for. Nothing ends it before its program is restarted anew: it
 * may be over, and what carries its mark a daemon that it left.
 */
const againMs = 10_000

/**
 * What an earlier run was killed in beside the journals, and is seen here, is let finish before
 * anything else is begun.
 */
export async function awaitAgain(session: Session): Promise<void> {
  const {
    document: { acting },
    work: { location, host, stop, restarts },
  } = session
  if (
    acting?.again === undefined ||
    location === undefined ||
    mayHide(acting, location) !== undefined
  )
    return
  // What cannot be known is no cause to wait: who restarts next says so.
  const runs = async (): Promise<boolean> =>
    (
      await marksThatRun((mark) => mark.startsWith(`${acting.again}/`), sinceOf(session)).catch(
        (): readonly string[] => [],
      )
    ).some((mark) => !sawEnd(mark) && restarts.left?.(mark)?.length !== 0)
  for (let waitedMs = 0; waitedMs < againMs && !stop.aborted && (await runs()); waitedMs += 100)
    await host.pause(100, stop)
}

/**
 * One that still runs is ended before another hook of this program begins, as one of a journal is:
 * never two at once. False where it cannot be ended.
 */
export async function endAgain(
  { document: { acting }, work }: Session,
  { name, timeoutMs }: { readonly name: string; readonly timeoutMs: number },
): Promise<boolean> {
  const { location, stop } = work
  if (
    acting?.again === undefined ||
    location === undefined ||
    mayHide(acting, location) !== undefined
  )
    return true
  const mark = `${acting.again}/${name}`
  const only = work.restarts.left?.(mark)
  if (sawEnd(mark) || only?.length === 0) return true
  const waitMs = Math.min(timeoutMs, againMs)
  return endMarked(mark, { waitMs, signal: stop, ...present({ only }) })
}

async function act(session: Session, again = session.document.acting?.again): Promise<void> {
  const { location } = session.work
  if (location === undefined) return
  await untilEnded(session, session.document.acting)
  const acting = { ...location, ...present({ again }) }
  if (JSON.stringify(session.document.acting) !== JSON.stringify(acting))
    await session.commit({ acting })
}

type Own = { readonly sets: readonly ChangeSet[]; readonly acts: boolean }

/** What the state says to be at work where this run lives. */
function ownOf({ work, document }: Session): Own {
  const mine = JSON.stringify(work.location)
  if (mine === undefined) return { sets: [], acts: false }
  return {
    sets: openSets(document).filter(({ ranIn }) => JSON.stringify(ranIn) === mine),
    acts: isActing(document.acting, mine),
  }
}

function isActing(acting: Acting | undefined, mine: string): boolean {
  if (acting === undefined) return false
  const { again: _again, ...location } = acting
  return JSON.stringify(location) === mine
}

function isCall({ work, document }: Session, mark: string): boolean {
  return mark.startsWith(`exec ${work.environment}/`) && mark.endsWith(`#${runIdOf(document)}`)
}

/**
 * A state that an older release has written names none: its marks end with the beginning of the
 * state's id.
 */
function runIdOf({ run, id }: StateDocument): string {
  return run?.id ?? id.slice(0, 8)
}

function isOwn(session: Session, { sets, acts }: Own, mark: string): boolean {
  const again = acts ? session.document.acting?.again : undefined
  if (again !== undefined && mark.startsWith(`${again}/`)) return true
  if (isCall(session, mark)) return acts || sets.length > 0
  return sets.some(({ id }) => mark.startsWith(`${id}/`))
}

/** Does this process run a program of which the state says that one may be at work here? */
export function isAtWork(session: Session): boolean {
  const own = ownOf(session)
  return runsMarked((mark) => isOwn(session, own, mark))
}

/**
 * This run ends in order, and nothing runs any more, of it or of one that was killed before: what
 * it has left open can be taken up anywhere.
 */
export async function leave(session: Session): Promise<void> {
  const own = ownOf(session)
  const { sets, acts } = own
  if ((sets.length === 0 && !acts) || isAtWork(session)) return
  // An earlier run may have been killed in a hook or in a call, of which this process knows
  // nothing.
  const left = await marksThatRun((mark) => isOwn(session, own, mark), sinceOf(session))
  if (left.some((mark) => isCall(session, mark) || !sawEnd(mark))) return
  await session.commit({ leaves: sets.map(({ id }) => id), ...(acts ? { acting: null } : {}) })
}

/** Nothing that this run has to look for is older. */
function sinceOf({ work: { run } }: Session): { readonly since?: number } {
  return run === undefined ? {} : { since: run.since }
}

/** A person has looked: nothing of an earlier run lives any more. */
export async function declareOver(session: Session): Promise<void> {
  const sets = placedSets(session)
  await session.commit({
    leaves: sets.map(({ id }) => id),
    acting: null,
    events: [declared],
    flush: true,
  })
}

/**
 * The same where a state is not written before its services have answered: the write that takes it
 * says so.
 */
export function assumeOver(session: Session): void {
  placedSets(session)
  session.noteOver()
  session.queueEvent(declared)
}

const declared = { event: "declared-over", code: "other-namespace" } as const

function placedSets({ document, work }: Session): readonly ChangeSet[] {
  const sets = openSets(document).filter(({ ranIn }) => ranIn !== undefined)
  if (sets.length === 0 && document.acting === undefined)
    throw new AppError(
      "usage",
      `nothing of ${work.environment} may still run: --nothing-runs says nothing here`,
      { hint: "leave it out" },
    )
  return sets
}
