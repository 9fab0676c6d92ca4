import { notingWaits } from "./note-waits.ts"
import { resume } from "../rotate/resume.ts"
import type { Session } from "../rotate/session.ts"
import { type Outcome, type Outcomes, isOutOfSight } from "../rotate/work.ts"

/**
 * For a service that gives no clear answer: how long it is asked again before a person hears of it,
 * and the longest pause between two tries (the first ones come sooner).
 */
export type RetryBudget = { readonly totalMs: number; readonly pauseMs: number }
export const longRetryBudget: RetryBudget = { totalMs: 30_000, pauseMs: 1000 }

const firstPauseMs = 100

/** Does it wait for a service that may answer soon? What waits for another secret depends on that. */
function mayChange(one: Outcome): boolean {
  return (
    one.kind === "waiting" &&
    one.by !== "file" &&
    !isOutOfSight(one.code) &&
    one.code !== "waits-for-another"
  )
}

/** Carries on with the open journal until it ends, its cause cannot change soon, or the budget is spent. */
export function resumeWithRetries(
  session: Session,
  retryBudget: RetryBudget,
  first?: Outcomes,
): Promise<Outcomes> {
  return notingWaits(session, () => askPatiently(session, retryBudget, first))
}

async function askPatiently(
  session: Session,
  retryBudget: RetryBudget,
  first: Outcomes | undefined,
): Promise<Outcomes> {
  const { host, stop: ended, asked: stop = ended } = session.work
  const began = host.monotonicMs()
  let outcomes: Outcomes = first ?? (await resume(session))
  let all = { ...outcomes }
  // Some causes are about to end (a server starts, a session closes): the first pauses are short.
  let pauseMs = Math.min(firstPauseMs, retryBudget.pauseMs)
  // A silent service makes each question last: that time counts, too.
  const isOver = (waitedMs: number): boolean =>
    Math.max(waitedMs, host.monotonicMs() - began) >= retryBudget.totalMs
  for (
    let waitedMs = 0;
    session.changeSet !== undefined && !isOver(waitedMs) && !stop.aborted;
    waitedMs += pauseMs, pauseMs = Math.min(pauseMs * 2, retryBudget.pauseMs)
  ) {
    if (!Object.values(outcomes).some(mayChange)) break
    await host.pause(pauseMs, stop)
    outcomes = await resume(session)
    all = { ...all, ...outcomes }
  }
  return all
}
