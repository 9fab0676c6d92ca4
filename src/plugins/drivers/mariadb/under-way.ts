import type { UnderWay } from "../../../core/ports.ts"
import type { Connection } from "./connection.ts"
import type { MariadbTarget } from "./target.ts"
import { isShared, kill, maySeeSessions, readGrants } from "./sessions.ts"

/**
 * A server reads what it knows of a password as soon as a client has said its name, and may ask for
 * another kind of proof then: such a login may end well after the password is gone. It shows with
 * its user, and the command Connect.
 */

/** From its last word on a login is no longer limited; it shows as a session so much later (ms). */
const visibleMs = 500
const lookMs = 250

/**
 * The account lets no client in any more: ends the logins that began before. Undefined where none can
 * end well any more. Where it cannot be told whose a login is, connect_timeout is what ends it.
 */
export async function endLogins(
  target: MariadbTarget,
  connection: Connection,
  waitedMs: number,
): Promise<UnderWay | undefined> {
  const mostMs = (await connectTimeoutMs(connection)) + visibleMs
  if (waitedMs >= mostMs) return undefined
  if (!maySeeSessions(await readGrants(connection))) return { inMs: mostMs - waitedMs, mostMs }
  const open = await loginsOf(target, connection)
  if (open.length === 0) return undefined
  if (!(await isShared(connection, target.account)))
    for (const id of open) await kill(connection, id)
  return { inMs: lookMs, mostMs }
}

async function connectTimeoutMs(connection: Connection): Promise<number> {
  const [row] = await connection.query("SELECT @@GLOBAL.connect_timeout")
  return Number(row?.[0] ?? 0) * 1000
}

async function loginsOf(
  { account: { user } }: MariadbTarget,
  connection: Connection,
): Promise<readonly string[]> {
  const rows = await connection.query(
    `SELECT ID FROM information_schema.PROCESSLIST WHERE BINARY USER = '${user}' AND COMMAND = 'Connect'`,
  )
  return rows.map(([id]) => id ?? "")
}
