import type { Credential, Expelled } from "../../../core/ports.ts"
import { expelSessions, leaveOnly } from "../server/two-passwords.ts"
import { accountIn, hashOf } from "./account.ts"
import { holdAlone } from "./contend.ts"
import { type Place, sayAccount } from "./place.ts"
import { changing } from "./session.ts"
import { endOlderSessions, sessionsOf } from "./sessions.ts"

/**
 * For containment: one statement leaves the account `live`'s password alone, whoever set the
 * others; then the sessions that are older than it end.
 */
export function expel(place: Place, live: Credential, signal: AbortSignal): Promise<Expelled> {
  const hash = hashOf(live)
  return changing(place, signal, async (connection) => {
    const left = await leaveOnly(accountIn(place, connection), hash)
    if (!left.isAlone) await holdAlone(place, connection, hash, signal)
    const { account } = place
    return expelSessions(left, {
      name: sayAccount(account),
      end: () => endOlderSessions(place, connection, live, signal),
      count: async () => (await sessionsOf(place, connection)).length,
      by: "KILL USER ends them",
      alone: `with the right to: KILL CONNECTION of each that SHOW PROCESSLIST shows for ${account.user}`,
    })
  })
}
