import { describeError } from "../base/error.ts"
import type { ChangeSet, Waits } from "../core/change-set.ts"
import { cutOff } from "../rotate/cut-off.ts"
import type { Session } from "../rotate/session.ts"
import type { Outcome, Outcomes } from "../rotate/work.ts"

/**
 * Tries to end the open journal by `act`. If it stays open, the journal is told what holds it up, and
 * which programs are cut off meanwhile: a person who looks without a key learns the present cause, and
 * not only the one that turned it back.
 */
export async function notingWaits(
  session: Session,
  act: () => Promise<Outcomes>,
): Promise<Outcomes> {
  const before = session.changeSet?.waits
  const { serial } = session.document
  // Writes on the way leave out the earlier cause: it may be over.
  if (session.changeSet !== undefined) session.note(withWaits(session.changeSet, undefined))
  const outcomes = await act()
  const set = session.changeSet
  const found = set === undefined ? undefined : waitsOf(session, outcomes)
  if (set === undefined || found === undefined) return outcomes
  const now = withWaits(set, isSame(before, found) ? before : found)
  if (now.waits === before && session.document.serial === serial) {
    session.note(now)
    return outcomes
  }
  try {
    await session.commit({ changeSet: now })
  } catch (error) {
    // The outcomes are known all the same, and are reported.
    session.work.onProgress("log", describeError(error).message)
  }
  return outcomes
}

function withWaits({ waits: _, ...set }: ChangeSet, waits: Waits | undefined): ChangeSet {
  return waits === undefined ? set : { ...set, waits }
}

/** The cause, not a secret that only waits for another one. */
function waitsOf(session: Session, outcomes: Outcomes): Waits | undefined {
  const open = Object.entries(outcomes).filter(
    ([, { kind }]) => kind === "waiting" || kind === "stuck",
  )
  const [secret, one] = open.find(([, { kind }]) => kind === "stuck") ??
    open.find(([, outcome]) => codeOf(outcome) !== "waits-for-another") ??
    open[0] ?? ["", undefined]
  if (one === undefined || (one.kind !== "waiting" && one.kind !== "stuck")) return undefined
  // Values that no service asks for are in `shared` of the change set.
  const ended = cutOff(session).filter(({ secrets }) => secrets.length > 0)
  const cut = ended.map(({ who, sure }) => [who, sure ? "is" : "may"] as const)
  return {
    since: session.work.host.now().toISOString(),
    secret,
    code: one.code,
    message: one.message,
    ...(cut.length === 0 ? {} : { cutOff: Object.fromEntries(cut) }),
  }
}

function codeOf(outcome: Outcome): string {
  return outcome.kind === "rotated" ? "" : outcome.code
}

function isSame(before: Waits | undefined, now: Waits): boolean {
  return (
    before !== undefined && JSON.stringify({ ...before, since: now.since }) === JSON.stringify(now)
  )
}
