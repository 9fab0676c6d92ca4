import { versionAt } from "../core/version.ts"
import { present } from "../base/present.ts"

import { unclear } from "../rotate/ask.ts"
import { stopped } from "../rotate/cut-off-words.ts"
import { revokeOwed } from "../rotate/revoke.ts"
import { rotate } from "../rotate/rotate.ts"
import type { Session } from "../rotate/session.ts"
import type { Outcomes } from "../rotate/work.ts"
import type { Order } from "../rotate/order.ts"
import { longRetryBudget, resumeWithRetries } from "../app/retry-budget.ts"
import type { Contain, Contained } from "./containment.ts"
import { briefMs, takeIn } from "./take-in.ts"

/** A fresh value for what this incident has given none yet. */

type Rest = {
  readonly wanted: readonly string[]
  /** Those of them that make a rotation that is under way give way. */
  readonly overtakes: readonly string[]
  /** Secrets whose older values are taken away. */
  readonly known: readonly string[]
  readonly options: Contain
}

export async function containRest(
  session: Session,
  rest: Rest,
): Promise<Pick<Contained, "outcomes" | "revoked">> {
  const { wanted, known } = rest
  const { stop } = session.work
  if (wanted.length > 0 && stop.aborted) throw stopped(session)
  const outcomes = await rotateFresh(session, rest, { names: wanted, isPatient: false, soFar: {} })
  const revoked = await revokeOwed(session, { skipGrace: true, secrets: known })
  const silent = wanted.filter((name) => isSilent(outcomes[name]))
  if (
    silent.length === 0 ||
    session.changeSet !== undefined ||
    (session.work.asked ?? stop).aborted
  )
    return { outcomes, revoked }
  // The others are safe by now; a service that did not answer at once is given its time.
  const all = await rotateFresh(session, rest, { names: silent, isPatient: true, soFar: outcomes })
  const after = await revokeOwed(session, { skipGrace: true, secrets: known })
  return { outcomes: all, revoked: [...revoked, ...after] }
}

type FreshRound = {
  readonly names: readonly string[]
  /** Services are given long to answer. */
  readonly isPatient: boolean
  /** What became of secrets before. */
  readonly soFar: Outcomes
}

async function rotateFresh(
  session: Session,
  { overtakes, options: { incident, revokeFirst, reason } }: Rest,
  { names, isPatient, soFar }: FreshRound,
): Promise<Outcomes> {
  const silentAt = await takeIn(session, withoutValue(session, names), {
    incident,
    forMs: isPatient ? longRetryBudget.totalMs : briefMs,
  })
  const order: Order = {
    secrets: names,
    why: "incident",
    incident,
    contain: { revokeFirst, ...(isPatient ? { longRetries: true } : {}) },
    overtakes,
    ...present({ reason }),
  }
  const fresh =
    names.length === 0 ? {} : withUnclear(session, await rotate(session, order), silentAt)
  const outcomes = { ...soFar, ...fresh }
  if (session.changeSet === undefined) return outcomes
  return { ...outcomes, ...(await resumeWithRetries(session, longRetryBudget, outcomes)) }
}

function isSilent(outcome: Outcomes[string] | undefined): boolean {
  return outcome?.kind === "left" && (outcome.code === "timeout" || outcome.code === "no-answer")
}

/**
 * The value that an output shows may be the one that the service takes: it was not refused, its
 * service gave no clear answer.
 */
function withUnclear(session: Session, outcomes: Outcomes, silent: ReadonlySet<string>): Outcomes {
  const cleared = Object.entries(outcomes).map(
    ([name, one]) =>
      [
        name,
        one.kind === "left" && one.code === "value-unknown" && silent.has(name)
          ? noAnswer(session, name)
          : one,
      ] as const,
  )
  return Object.fromEntries(cleared)
}

function noAnswer(session: Session, name: string): Outcomes[string] {
  return {
    kind: "left",
    code: "no-answer",
    message: unclear(
      session,
      name,
      "the service gives no clear answer to a login with the value that its output shows",
    ),
    hint: "see that it runs and can be reached from here",
  }
}

function withoutValue(session: Session, names: readonly string[]): readonly string[] {
  return names.filter((name) => versionAt(session.state(name), "current") === undefined)
}
