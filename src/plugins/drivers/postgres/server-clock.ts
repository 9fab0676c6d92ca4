import type { Connection } from "./wire.ts"

/**
 * The server's own clock, by which it dates sessions: exact to the microsecond, which a Date is
 * not. What it said `agoMs` ago, or a little later.
 */
export async function serverClock(connection: Connection, agoMs = 0): Promise<string | undefined> {
  const [clock] = await connection.rows(
    ["now"],
    `SELECT to_char((clock_timestamp() - interval '${Math.floor(agoMs)} ms') AT TIME ZONE ` +
      `'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
  )
  return clock?.now ?? undefined
}
