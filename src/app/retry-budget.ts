import { notingWaits } from "./note-waits.ts"
import { resume } from "../rotate/resume.ts"
import type { Session } from "../rotate/session.ts"
import { type Outcome, type Outcomes, isOutOfSight } from "../rotate/work.ts"

/**
 * How long, and (after the first times, which come sooner) how often, a service that gives no clear
 * answer is asked again before a person hears of it.
 */
export type RetryBudget = { readonly totalMs: number; readonly pauseMs: number }
export const longRetryBudget: RetryBudget = { totalMs: 30_000, pauseMs: 1000 }

const firstPauseMs = 100

/**
 * Does it wait for a service, which may answer soon? What waits for another one is told by that
 * one.
 */
function mayChange(one: Outcome): boolean {
  return (
    one.kind === "waiting" &&
    one.by !== "file" &&
    !isOutOfSight(one.code) &&
    one.code !== "waits-for-another"
  )
}

/** Carries on with the open journal until it ends, or nothing more can be learnt for now. */
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
  // What is about to be over (a server that starts, a session that ends) is not waited for as what
  // is not.
  let pauseMs = Math.min(firstPauseMs, retryBudget.pauseMs)
  // A service that says nothing takes its time at each question: that counts, too.
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
