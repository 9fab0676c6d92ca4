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
