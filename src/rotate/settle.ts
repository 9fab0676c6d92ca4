import { describeError } from "../base/error.ts"
import { present } from "../base/present.ts"
import type { Credential } from "../core/ports.ts"
import { openSetOf } from "../core/change-set.ts"
import { driverOf, isSilence } from "./ask.ts"
import { atService } from "./at-service.ts"
import { hiddenActOf } from "./elsewhere.ts"
import type { Session } from "./session.ts"
import { strategyOf } from "./strategy.ts"
import { deadlines, isOutOfSight } from "./work.ts"

export const notSettled = {
  code: "not-settled",
  message: "an earlier act of mycelium may still be under way at the service",
} as const

/** Why the last try has settled nothing there. */
export function unsettled(
  session: Session,
  name: string,
): { readonly code: string; readonly message: string } {
  return session.unsettled.get(name) ?? notSettled
}

/** False where it cannot be known yet whether an act of before may still land. */
export async function settle(
  session: Session,
  name: string,
  known: readonly Credential[],
  waiting?: AbortSignal,
): Promise<boolean> {
  const driver = driverOf(session, name)
  session.unsettled.delete(name)
  const hidden = hiddenActOf(session, name)
  if (hidden !== undefined) {
    session.unsettled.set(name, hidden)
    return false
  }
  try {
    const pending = await opening(session, name)
    const isSettled = await atService(
      session,
      name,
      { ms: deadlines.settle + (driver.settleMs ?? 0), waiting },
      (signal) => driver.settle(known, signal, present({ pending })),
    )
    if (isSettled) session.settled.add(name)
    return isSettled
  } catch (error) {
    // A server that is down is no lock that another session holds: it is asked again soon. Any other
    // refusal waits for a person.
    const { code, message } = describeError(error)
    session.unsettled.set(
      name,
      isSilence(code) || isOutOfSight(code)
        ? { code, message }
        : {
            code: notSettled.code,
            message: `${notSettled.message}, and it cannot be asked: ${message} (${code})`,
          },
    )
    return false
  }
}

/** The value that opens a login which was kept shut. */
async function opening(session: Session, name: string): Promise<Credential | undefined> {
  if (!strategyOf(openSetOf(session.document, name)).shutsLogins) return undefined
  return (await session.versions(name)).pending
}
