import { AppError } from "../base/error.ts"
import { hiddenOf } from "./elsewhere.ts"
import { takeOver } from "./acting.ts"
import { forward } from "./forward.ts"
import { needToResume } from "./need.ts"
import { mayHaveSeen } from "./readers.ts"
import { rollBack } from "./roll-back.ts"
import type { Session } from "./session.ts"
import type { Outcomes } from "./work.ts"

/**
 * Carries on with the journal that a crash (or an unclear answer) left open, in its own direction.
 * `noWait`: a containment asks, so a service that gives no answer soon is not waited for, nor an
 * output that cannot be put back.
 */
export async function resume(
  session: Session,
  options: { readonly noWait?: boolean } = {},
): Promise<Outcomes> {
  if (options.noWait === true) session.urgent = true
  const found = session.changeSet
  if (found === undefined) return {}
  const hidden = hiddenOf(session, found)
  if (hidden !== undefined)
    return Object.fromEntries(
      found.secrets.map((name) => [name, { kind: "waiting", ...hidden } as const]),
    )
  // An earlier run may have renamed any of these before it was cut.
  const set = {
    ...found,
    touched: mayHaveSeen(session, found, new Set(Object.keys(found.before ?? {}))),
  }
  session.note(set)
  await reserveToResume(session)
  await takeOver(session)
  return set.direction === "back"
    ? rollBack(session)
    : forward(session, { fresh: false, noWait: options.noWait === true })
}

/**
 * Without room for what comes next nothing is begun: all stays as the interrupted run has left it.
 */
async function reserveToResume(session: Session): Promise<void> {
  try {
    await session.work.ledger.reserve?.(needToResume(session))
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, error.message, {
      remedy: error.remedy,
      hint:
        "free some space on that disk, then run the same command again: " +
        "the rotation that was interrupted stays as it is until then",
    })
  }
}
