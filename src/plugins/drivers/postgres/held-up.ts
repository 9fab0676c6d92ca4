import { ServerError } from "./server-error.ts"
import type { Connection } from "./wire.ts"

/**
 * Logins whose password was accepted, and which last: they wait for a database that is being
 * changed, or a setting of their role takes minutes to check. No view of sessions shows them, or
 * not whose they are; but from its password on each of them holds a lock on its database.
 */

/** A login that is past its password is over within this time (ms), or is no ordinary one. */
export const ordinaryMs = 1000

/**
 * Ends the logins that are past their password and not over within a moment, whoever's they are:
 * the server does not tell. False if there is none.
 */
export async function endHeldUp(
  connection: Connection,
  pause: (ms: number) => Promise<void>,
): Promise<boolean> {
  const first = await heldUp(connection)
  if (first.size === 0) return false
  await pause(ordinaryMs)
  const held = [...(await heldUp(connection))].filter(([login]) => first.has(login))
  for (const [, process] of held) await endProcess(connection, process)
  return held.length > 0
}

/** Each by its virtual transaction, which no other login has; its process. */
async function heldUp({ rows }: Connection): Promise<ReadonlyMap<string, number>> {
  const found = await rows(
    ["login", "process"],
    `SELECT virtualtransaction, pid FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_database'::regclass
     AND pid NOT IN (SELECT pid FROM pg_stat_activity WHERE state IS DISTINCT FROM 'starting')`,
  )
  return new Map(found.map(({ login, process }) => [login ?? "", Number(process)]))
}

/** A superuser's may be ended by a superuser alone. */
async function endProcess({ rows }: Connection, process: number): Promise<void> {
  try {
    await rows(["told"], `SELECT pg_terminate_backend(${process})`)
  } catch (error) {
    if (!(error instanceof ServerError) || error.sqlstate !== "42501") throw error
  }
}
