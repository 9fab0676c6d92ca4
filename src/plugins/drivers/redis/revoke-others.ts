import type { Credential, OthersRevoked } from "../../../core/ports.ts"
import { expelSessions, leaveOnly, notKept } from "../server/two-passwords.ts"
import { listClients } from "./clients.ts"
import type { RedisTarget } from "./target.ts"
import { endOlderSessions, isProgram } from "./revoke.ts"
import { type SessionRequest, onAll, userChanged } from "./session.ts"
import { accountOf, hashOf, userOf } from "./user.ts"

/**
 * For containment: one command takes every password of the user away and gives it `live`'s, so that
 * none that someone else has added is left. Then the connections that may be older than `live` end:
 * of those whose age, in whole seconds, does not tell, too, for a program that has just been
 * restarted connects again.
 */
export async function revokeOthers(
  target: RedisTarget,
  live: Credential,
  signal: AbortSignal,
): Promise<OthersRevoked> {
  const ask: SessionRequest = { logins: [live], signal }
  const user = userOf(target, live)
  const left = await onAll(target, ask, async (connection) => {
    const account = accountOf(connection, user)
    const one = await leaveOnly(account, hashOf(live))
    if (!one.isAlone)
      throw notKept(
        account,
        "find out who does, and take that right from them: ACL LIST shows who may ACL SETUSER",
      )
    return one
  }).finally(() => userChanged(target, user))
  return expelSessions(
    { hadOthers: left.some(({ hadOthers }) => hadOthers) },
    {
      name: `user ${user}`,
      end: () => endOlderSessions(target, live, ask, { spareDoubtful: false }),
      count: () => countOf(target, user, ask),
      by: `CLIENT KILL USER ${user} ends them`,
      alone: `CLIENT KILL USER ${user} ends all of its connections`,
    },
  )
}

async function countOf(target: RedisTarget, user: string, ask: SessionRequest): Promise<number> {
  const counts = await onAll(
    target,
    { ...ask },
    async (connection) =>
      (await listClients(connection)).filter((client) => client.user === user && isProgram(client))
        .length,
  )
  return counts.reduce((sum, count) => sum + count, 0)
}
