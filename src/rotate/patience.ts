import type { Session } from "./session.ts"
import { type Turn, deadlines } from "./work.ts"

/** How long outputs are waited for: in an incident a manager has little time, and is owed then. */
export function patienceOf(session: Session): Turn {
  return session.urgent || session.strategy.leavesUnwritable
    ? hurried(session)
    : { turn: session.work.forceStop }
}

/** As in an incident, before its change set is there. */
export function hurried({ work }: Session): Turn {
  return { turn: work.forceStop, managerMs: deadlines.managerInIncident }
}
