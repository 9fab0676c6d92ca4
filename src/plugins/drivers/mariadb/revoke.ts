import type { Credential } from "../../../core/ports.ts"
import { removePassword } from "../server/two-passwords.ts"
import { accountIn, hashOf } from "./account.ts"
import type { MariadbTarget } from "./target.ts"
import { changing } from "./session.ts"
import { endOlderSessions } from "./sessions.ts"

/**
 * Takes `old` away, the last password that works never; then ends older sessions. Where it is gone
 * already, nothing changes.
 */
export function revoke(
  target: MariadbTarget,
  old: Credential,
  live: Credential,
  { endSessions, signal }: { readonly endSessions: boolean; readonly signal: AbortSignal },
): Promise<{ readonly sessionsEnded: number }> {
  const [dead, stays] = [hashOf(old), hashOf(live)]
  return changing(target, signal, async (connection) => {
    await removePassword(accountIn(target, connection), { dead, stays }, target.context.label)
    return {
      sessionsEnded: endSessions ? await endOlderSessions(target, connection, live, signal) : 0,
    }
  })
}
