import type { Credential } from "../../../core/ports.ts"
import { type Client, endClients } from "./clients.ts"
import type { Connection } from "./connection.ts"
import { persist } from "./persist.ts"
import { isProgram } from "./revoke.ts"
import type { RedisTarget } from "./target.ts"
import { onAll, userChanged } from "./session.ts"
import { readUser, userOf } from "./user.ts"

/**
 * Takes every password of the user away, at every node, on disk too: it can log in with none then,
 * and still exists.
 */
export async function deleteLogin(
  target: RedisTarget,
  candidates: readonly Credential[],
  signal: AbortSignal,
): Promise<void> {
  const users = usersOf(target, candidates)
  await onAll(target, { logins: [], signal }, async (connection) => {
    for (const user of users) await takeAway(connection, user)
    await persist(connection)
  }).finally(() => users.forEach((user) => userChanged(target, user)))
}

/** At every node. A connection stays logged in as a user who has no password any more. */
export async function endSessions(
  target: RedisTarget,
  candidates: readonly Credential[],
  signal: AbortSignal,
): Promise<{ readonly sessionsEnded: number }> {
  const users = usersOf(target, candidates)
  const theirs = (clients: readonly Client[]): Promise<readonly Client[]> =>
    Promise.resolve(clients.filter((client) => users.has(client.user) && isProgram(client)))
  const { host } = target.context
  const counts = await onAll(target, { logins: [], signal }, (connection) =>
    endClients(connection, theirs, { host, signal }),
  )
  return { sessionsEnded: counts.reduce((sum, count) => sum + count, 0) }
}

function usersOf(target: RedisTarget, candidates: readonly Credential[]): ReadonlySet<string> {
  return new Set([target.options.user, ...candidates.map((one) => userOf(target, one))])
}

/** ACL SETUSER would make a user that is gone. */
async function takeAway(connection: Connection, user: string): Promise<void> {
  if ((await readUser(connection, user)) !== undefined)
    await connection.command(["ACL", "SETUSER"], user, "resetpass")
}
