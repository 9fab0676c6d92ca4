import { present } from "../base/present.ts"
import { sawEnd } from "../base/processes/live-marks.ts"
import { endMarked, marksThatRun } from "../base/processes/marked-processes.ts"
import { type RunLocation, isSameLocation, mayHide } from "../base/processes/run-location.ts"
import { hiddenActOf } from "./elsewhere.ts"
import { mayLeave, runsProgram } from "./may-leave.ts"
import type { Session } from "./session.ts"

/**
 * Programs that no journal tells of: what is at work is durable before the first of them begins.
 */

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

/** Nothing that this run has to look for is older. */
export function sinceOf({ work: { run } }: Session): { readonly since?: number } {
  return run === undefined ? {} : { since: run.since }
}
