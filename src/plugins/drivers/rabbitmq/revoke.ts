import { present } from "../../../base/present.ts"
import type { Credential, UnderWay } from "../../../core/ports.ts"
import { endOlderSessions, loginsUnderWay } from "./sessions.ts"
import type { RabbitmqTarget } from "./target.ts"

/** `apply` has overwritten the old one: nothing is left to take away but the sessions that it opened. */
export async function revoke(
  target: RabbitmqTarget,
  live: Credential,
  { endSessions, waitedMs = 0 }: { readonly endSessions: boolean; readonly waitedMs?: number },
  signal: AbortSignal,
): Promise<{ readonly sessionsEnded: number; readonly underWay?: UnderWay }> {
  if (!endSessions) return { sessionsEnded: 0 }
  const sessionsEnded = await endOlderSessions(target, live, "spare", signal)
  return { sessionsEnded, ...present({ underWay: loginsUnderWay(waitedMs) }) }
}
