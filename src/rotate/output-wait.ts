import type { OutputWait } from "../core/ports.ts"
import type { Session } from "./session.ts"
import { deadlines } from "./work.ts"

/** How long outputs are waited for: in an incident a manager has little time, and is owed then. */
export function outputWaitOf(session: Session): OutputWait {
  return session.urgent || session.strategy.leavesUnwritable
    ? incidentWait(session)
    : { turn: session.work.forceStop }
}

/** As in an incident, before its change set is there. */
export function incidentWait({ work }: Session): OutputWait {
  return { turn: work.forceStop, managerMs: deadlines.managerInIncident }
}
