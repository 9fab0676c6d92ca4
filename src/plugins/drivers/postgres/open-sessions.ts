import { isIP } from "node:net"
import { probeName } from "./target.ts"
import { quoteText } from "./quote.ts"
import type { Connection } from "./wire.ts"

/** Which sessions a role has, in words that a person can act on. */

/** Sessions that a client logged in for; not the workers that the server starts for them. */
export const ofPrograms = "backend_type IN ('client backend', 'walsender')"

export type OpenSession = {
  /** Where it comes from; undefined: a socket on the server's own machine, or we may not see it. */
  readonly address: string | undefined
  /** What the program calls itself. */
  readonly program: string
  /** Began at the instant asked for, or later; undefined where we may not see when it began. */
  readonly younger: boolean | undefined
}

/**
 * The sessions of `role` at this server now, without our own logins; without `since` all count as
 * younger.
 */
export async function openSessions(
  connection: Connection,
  role: string,
  since?: string,
): Promise<readonly OpenSession[]> {
  // What we may not see of a session is null, its kind and its age too (manual, pg_stat_activity).
  const found = await connection.rows(
    ["address", "program", "younger"],
    `SELECT host(client_addr), application_name, ${since === undefined ? "true" : `backend_start >= ${quoteText(since)}::timestamptz`} FROM pg_stat_activity
     WHERE usename = ${quoteText(role)} AND (${ofPrograms} OR backend_type IS NULL) AND application_name <> ${quoteText(probeName)} ORDER BY backend_start`,
  )
  return found.map(({ address, program, younger }) => ({
    address: address === null ? undefined : sayHost(address),
    program: program ?? "",
    younger: younger === null ? undefined : younger === "t",
  }))
}

/** Only an address is repeated. */
function sayHost(address: string): string {
  return isIP(address) === 0 ? "an address that is none" : address
}

/** The SQL that shows them. */
export function showSessions(role: string): string {
  return (
    "SELECT pid, client_addr, application_name, backend_start FROM pg_stat_activity WHERE " +
    `usename = ${quoteText(role)}`
  )
}

/** How many places are named before the rest is only counted. */
const mostPlaces = 5

/** "3 sessions, 2 from 10.0.0.5 (psql), 1 from a local socket". */
export function saySessions(sessions: readonly OpenSession[]): string {
  const places = new Map<string, number>()
  for (const { address, program } of sessions) {
    const target = `from ${address ?? "a local socket"}${isHarmless(program) ? ` (${program})` : ""}`
    places.set(target, (places.get(target) ?? 0) + 1)
  }
  const named = [...places].slice(0, mostPlaces).map(([target, count]) => `${count} ${target}`)
  const rest =
    places.size > mostPlaces ? [`others from ${places.size - mostPlaces} more places`] : []
  return (
    `${sessions.length === 1 ? "1 session" : `${sessions.length} sessions`}, ` +
    `${[...named, ...rest].join(", ")}`
  )
}

/**
 * A name is chosen by the program, so it may hold anything; no word of it may be as long as our
 * shortest password.
 */
export function isHarmless(program: string): boolean {
  return /^[\w .:/@#()-]{1,48}$/.test(program) && !/[^\s]{24}/.test(program)
}
