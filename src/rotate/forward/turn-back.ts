import { endedOf, withMarks } from "../marks.ts"
import { openSet } from "../open-set.ts"
import { mayHaveSeen } from "../readers.ts"
import { rollBack } from "../roll-back.ts"
import type { Session } from "../session.ts"
import { cannotGoBack } from "../show.ts"
import type { Outcomes } from "../work.ts"

type Fault = {
  readonly code: string
  readonly message: string
  readonly touched: readonly string[]
  readonly going: readonly string[]
}

/**
 * The direction is durable before the first act in it, and before it is told; it never turns again.
 */
export async function startRollback(session: Session, fault: Fault): Promise<Outcomes> {
  const set = openSet(session)
  const { code, message } = fault
  if (cannotGoBack(session, set)) {
    session.work.onProgress("wait", message)
    return Object.fromEntries(
      fault.going.map((name) => [name, { kind: "waiting", by: "file", code, message } as const]),
    )
  }
  await session.commit({
    changeSet: {
      ...withMarks(session, set, { ended: endedOf(session, set.secrets), stuck: [] }),
      direction: "back",
      restarted: [],
      touched: mayHaveSeen(session, { ...set, touched: fault.touched }, session.renamed),
      fault: { code, message },
    },
    events: [{ event: "back", code }],
  })
  session.work.onProgress("back", message)
  return rollBack(session)
}
