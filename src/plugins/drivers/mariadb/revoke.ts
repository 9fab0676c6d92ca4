import type { Credential } from "../../../core/ports.ts"
import { removePassword } from "../server/two-passwords.ts"
import { accountIn, hashOf } from "./account.ts"
import type { Place } from "./place.ts"
import { changing } from "./session.ts"
import { endOlderSessions } from "./sessions.ts"

/**
 * Takes `old` away, the last password that works never; then ends older sessions. Where it is gone
 * already, nothing changes.
 */
export function revoke(
  place: Place,
  old: Credential,
  live: Credential,
  endSessions: boolean,
  signal: AbortSignal,
): Promise<{ readonly sessionsEnded: number }> {
  const [dead, stays] = [hashOf(old), hashOf(live)]
  return changing(place, signal, async (connection) => {
    await removePassword(accountIn(place, connection), { dead, stays }, place.reach.label)
    return {
      sessionsEnded: endSessions ? await endOlderSessions(place, connection, live, signal) : 0,
    }
  })
}
