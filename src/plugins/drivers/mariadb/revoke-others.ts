import type { Credential, OthersRevoked } from "../../../core/ports.ts"
import { expelSessions, leaveOnly } from "../server/two-passwords.ts"
import { accountIn, hashOf, reopen } from "./account.ts"
import { holdAlone } from "./contend.ts"
import { type MariadbTarget, sayAccount } from "./target.ts"
import { changing } from "./session.ts"
import { endOlderSessions, sessionsOf } from "./sessions.ts"

/**
 * For containment: one statement leaves the account only `live`'s password, no matter who set the
 * others; then the sessions that are older than it end.
 */
export function revokeOthers(
  target: MariadbTarget,
  live: Credential,
  signal: AbortSignal,
): Promise<OthersRevoked> {
  const hash = hashOf(live)
  return changing(target, signal, async (connection) => {
    await reopen(target, connection, hash)
    const left = await leaveOnly(accountIn(target, connection), hash)
    if (!left.isAlone) await holdAlone(target, connection, hash, signal)
    const { account } = target
    return expelSessions(left, {
      name: sayAccount(account),
      end: () => endOlderSessions(target, connection, live, signal),
      count: async () => (await sessionsOf(target, connection)).length,
      by: "KILL USER ends them",
      alone: `with the right to: KILL CONNECTION of each that SHOW PROCESSLIST shows for ${account.user}`,
    })
  })
}
