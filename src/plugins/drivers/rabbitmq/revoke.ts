import type { Credential } from "../../../core/ports.ts"
import type { RabbitmqTarget } from "./target.ts"
import { endOlderSessions } from "./sessions.ts"

/** `apply` has overwritten `old`: nothing is left to take away but the sessions that it opened. */
export async function revoke(
  target: RabbitmqTarget,
  live: Credential,
  { endSessions }: { readonly endSessions: boolean },
  signal: AbortSignal,
): Promise<{ readonly sessionsEnded: number }> {
  return {
    sessionsEnded: endSessions ? await endOlderSessions(target, live, "spare", signal) : 0,
  }
}
