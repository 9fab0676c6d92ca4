import { isOnly, notKept } from "../server/two-passwords.ts"
import { accountIn } from "./account.ts"
import type { Connection } from "./connection.ts"
import type { MariadbTarget } from "./target.ts"
import { isShared, kill, sessionsOf } from "./sessions.ts"

/** An intruder who is logged in as a user may set its password again and again. */

const tries = 6
/** A change that a session had sent before it was ended lands within this time (ms). */
const landsMs = 50

/**
 * For containment: `hash` alone is accepted, and stays: the user's sessions end around it, so none
 * is left to change it.
 */
export async function holdAlone(
  target: MariadbTarget,
  connection: Connection,
  hash: string,
  signal: AbortSignal,
): Promise<void> {
  const account = accountIn(target, connection)
  for (let left = tries; left > 0; left--) {
    await endSessions(target, connection)
    await account.leave(hash)
    await endSessions(target, connection)
    await target.context.host.pause(landsMs, signal)
    if (isOnly(await account.read(), hash)) return
  }
  throw notKept(
    account,
    "see SHOW PROCESSLIST for who does; an admin with CONNECTION ADMIN and PROCESS ends the " +
      "sessions of the account itself",
  )
}

/**
 * Not where other accounts have the same name: the server does not say whose a session is. Who
 * lacks PROCESS sees none.
 */
async function endSessions(target: MariadbTarget, connection: Connection): Promise<void> {
  if (await isShared(connection, target.account)) return
  for (const id of await sessionsOf(target, connection)) await kill(connection, id)
}

/**
 * For containment: where all seats are taken by sessions of the account, no program gets in with the
 * new value, nor can a login prove it.
 */
export async function makeRoom(target: MariadbTarget, connection: Connection): Promise<void> {
  const { user, host } = target.account
  const [row] = await connection.query(
    "SELECT JSON_VALUE(Priv, '$.max_user_connections'), @@GLOBAL.max_user_connections, " +
      "@@GLOBAL.max_connections, (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS " +
      `WHERE VARIABLE_NAME = 'THREADS_CONNECTED') FROM mysql.global_priv WHERE User = '${user}' ` +
      `AND Host = '${host}'`,
  )
  const [own = 0, server = 0, most = 0, connected = 0] = (row ?? []).map(Number)
  const seats = own > 0 ? own : server
  const open = (await sessionsOf(target, connection)).length
  if ((seats > 0 && open >= seats) || connected + roomLeast > most)
    await endSessions(target, connection)
}
/** How many logins may arrive at once while a rotation proves its value. */
const roomLeast = 5
