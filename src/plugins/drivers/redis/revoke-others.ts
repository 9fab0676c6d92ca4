import type { Credential, OthersRevoked } from "../../../core/ports.ts"
import { expelSessions, leaveOnly, notKept } from "../server/two-passwords.ts"
import { type Client, listClients } from "./clients.ts"
import type { Connection } from "./connection.ts"
import { isKind } from "./fault.ts"
import { readInfo } from "./info.ts"
import { isReplica } from "./topology.ts"
import type { RedisTarget } from "./target.ts"
import { endOlderSessions, isProgram } from "./revoke.ts"
import { type SessionRequest, onAll, userChanged } from "./session.ts"
import { accountOf, hashOf, reopen, userOf } from "./user.ts"

/**
 * For containment: one command takes every password of the user away and gives it `live`'s, so that
 * none that another client has added is left. Then the connections that may be older than `live` end:
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
    await reopen(connection, user, hashOf(live))
    const account = accountOf(connection, user)
    const one = await leaveOnly(account, hashOf(live))
    if (!one.isAlone)
      throw notKept(
        account,
        "find out who does, and take that right from them: ACL LIST shows who may ACL SETUSER",
      )
    return one
  }).finally(() => userChanged(target, user))
  const expelled = await expelSessions(
    { hadOthers: left.some(({ hadOthers }) => hadOthers) },
    {
      name: `user ${user}`,
      end: () => endOlderSessions(target, live, ask, { spareDoubtful: false, replicas: true }),
      count: () => countOf(target, user, ask),
      by: `CLIENT KILL USER ${user} ends them`,
      alone: `CLIENT KILL USER ${user} ends all of its connections`,
    },
  )
  return { ...expelled, notes: [...expelled.notes, ...(await replicaNotes(target, ask))] }
}

/** Replicas that no config names: whose they are, and what they do with what they read, is unknown. */
async function replicaNotes(target: RedisTarget, ask: SessionRequest): Promise<readonly string[]> {
  const seen = await onAll(target, ask, async (connection) => ({
    info: await readInfo(connection),
    replicas: await replicasAt(connection),
  }))
  const listed = seen.filter(({ info }) => info.role === "slave" && info.linkedToPrimary).length
  const connected = seen.map(({ info, replicas }) => replicas?.length ?? info.replicas.length)
  const count = connected.reduce((sum, more) => sum + more, 0) - listed
  if (count <= 0) return []
  const users = [
    ...new Set(seen.flatMap(({ replicas }) => (replicas ?? []).map((one) => one.user))),
  ]
  const as = users.length === 0 ? "" : ` (replicas are logged in as ${users.join(", ")})`
  const many =
    count === 1
      ? "1 replica that the config does not name is"
      : `${count} replicas that the config does not name are`
  return [
    `${many} connected${as}: what goes on there, ` +
      "and whether the old password is taken there, is not known; if they are not yours, " +
      "CLIENT KILL TYPE replica ends them, and that user needs a new password, too",
  ]
}

/** undefined: we may not list clients; INFO still counts the replicas. */
async function replicasAt(connection: Connection): Promise<readonly Client[] | undefined> {
  try {
    return (await listClients(connection)).filter(isReplica)
  } catch (error) {
    if (isKind(error, "noperm")) return undefined
    throw error
  }
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
