import type { Credential } from "../../../core/ports.ts"
import type { Connection } from "./connection.ts"
import { persist } from "./persist.ts"
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
  const users = new Set([target.options.user, ...candidates.map((one) => userOf(target, one))])
  await onAll(target, { logins: [], signal }, async (connection) => {
    for (const user of users) await takeAway(connection, user)
    await persist(connection)
  }).finally(() => users.forEach((user) => userChanged(target, user)))
}

/** ACL SETUSER would make a user that is gone. */
async function takeAway(connection: Connection, user: string): Promise<void> {
  if ((await readUser(connection, user)) !== undefined)
    await connection.command(["ACL", "SETUSER"], user, "resetpass")
}
