import { AppError } from "../../../base/error.ts"
import { ofPrograms } from "./open-sessions.ts"
import type { PostgresTarget } from "./target.ts"
import { heldByPrepared } from "./prepared.ts"
import { quoteName, quoteText } from "./quote.ts"
import { serverClock } from "./server-clock.ts"
import { ServerError } from "./server-error.ts"
import { loginsSince } from "./under-way.ts"
import type { Connection } from "./wire.ts"

/**
 * An intruder who is logged in as a role may keep it from being changed: by a change of their own
 * that they leave open, or make again and again.
 */

/** One role's change, in an open session. `contain`: sessions that block it are ended. */
export type Change = {
  readonly target: PostgresTarget
  readonly connection: Connection
  readonly role: string
  readonly signal: AbortSignal
  readonly contain: boolean
}

/**
 * A lock that another holds; a row that another has changed meanwhile ("tuple concurrently
 * updated"); a deadlock.
 */
const inTheWay = new Set(["55P03", "XX000", "40P01"])
const tries = 6
/** In a containment, locks are waited for less long than usual: an intruder may hold them. */
const containLockMs = 500

/**
 * `ALTER ROLE role CLAUSES`. In a containment the role's sessions that block it are ended, a few
 * times over.
 */
export async function alterRole(change: Change, clauses: string): Promise<void> {
  const { connection, role, contain } = change
  const statement = `ALTER ROLE ${quoteName(role)} ${clauses}`
  for (let left = contain ? tries : 1; ; left--) {
    try {
      // Local to the implicit transaction of one message.
      const lockTimeout = contain && left > 1 ? `SET LOCAL lock_timeout = ${containLockMs}; ` : ""
      await connection.rows([], `${lockTimeout}${statement}`)
      return
    } catch (error) {
      if (!isInTheWay(error)) throw error
      if (left <= 1) throw await heldBy(change, error)
      await endRole(change)
    }
  }
}

function isInTheWay(error: unknown): error is ServerError {
  return error instanceof ServerError && inTheWay.has(error.sqlstate)
}

/**
 * The role cannot log in while it is given its password and its sessions end, so none of them comes
 * back; and it stays shut until logins that began before have ended, as far as there is time for
 * that: the login that follows proves what the role has then. What a crash leaves shut, `settle`
 * opens: only where a login with this very value is what is kept out.
 */
export async function alterShut(change: Change, clauses: string, again: number): Promise<void> {
  const { target, signal } = change
  await alterRole(change, `NOLOGIN ${clauses}`)
  await endRole(change)
  await target.context.host.pause(settledMs, signal)
  await endRole(change)
  // Once more, now that no session is left: what was set between the two would let in, at the last step,
  // who logs in by it now.
  await alterRole(change, `NOLOGIN ${clauses}`)
  await holdShut(change, again === 1 ? shortlyMs : longMs)
  await endRole(change)
  await alterRole(change, `LOGIN ${clauses}`)
}
/** How long (ms) a role is kept shut: well below the deadline of an `apply`. */
const shortlyMs = 1500
const longMs = 10_000

async function holdShut({ target, connection, signal }: Change, mostMs: number): Promise<void> {
  const since = await serverClock(connection)
  if (since === undefined) return
  for (let waitedMs = 0; waitedMs < mostMs; ) {
    const pause = (ms: number): Promise<void> => target.context.host.pause(ms, signal)
    const underWay = await loginsSince(connection, { since, waitedMs, pause })
    if (underWay === undefined) return
    const ms = Math.min(underWay.inMs, mostMs - waitedMs)
    await target.context.host.pause(ms, signal)
    waitedMs += ms
  }
}
/** A login that has just ended well shows in pg_stat_activity so much later (ms). */
export const settledMs = 150

/** Ends every session of the role but this one. Those that come meanwhile are not waited for. */
export async function endRole({ target, connection, role, signal }: Change): Promise<void> {
  const theirs = `usename = ${quoteText(role)} AND ${ofPrograms} AND pid <> pg_backend_pid()`
  try {
    const told = await connection.rows(
      ["process", "told"],
      `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${theirs}`,
    )
    const processes = told.map(({ process }) => Number(process)).join(", ")
    for (let waitedMs = 0; processes !== "" && waitedMs < endMs; waitedMs += lookMs) {
      const left = await connection.rows(
        ["process"],
        `SELECT pid FROM pg_stat_activity WHERE pid IN (${processes}) AND ${theirs}`,
      )
      if (left.length === 0) return
      await target.context.host.pause(lookMs, signal)
    }
  } catch (error) {
    if (!(error instanceof ServerError) || error.sqlstate !== "42501") throw error
    throw mayNotEnd(target, connection, role)
  }
}
/** How long (ms) a session that was told to end may take. */
const endMs = 2000
const lookMs = 20

function mayNotEnd(target: PostgresTarget, { label: message }: Connection, role: string): AppError {
  const who = target.options.admin?.user ?? role
  return new AppError(
    "role-held",
    `${message}: sessions of role ${role} keep it from being changed, and ${who} may not end them`,
    { remedy: "retry", hint: `GRANT pg_signal_backend TO ${quoteName(who)}, then the same again` },
  )
}

/**
 * Where all slots are taken, by the role's own sessions, no login can prove the new value.
 */
export async function makeRoom(change: Change): Promise<void> {
  const [now] = await change.connection.rows(
    ["full"],
    `SELECT count(*) FILTER (WHERE usename = r.rolname) >= nullif(r.rolconnlimit, -1)
     OR count(*) + ${slotsLeast} > current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int - coalesce(current_setting('reserved_connections', true)::int, 0)
     FROM pg_stat_activity a, pg_roles r WHERE ${ofPrograms} AND r.rolname = ${quoteText(change.role)} GROUP BY r.rolname, r.rolconnlimit`,
  )
  if (now?.full === "t") await endRole(change)
}
/** How many logins may arrive at once while a rotation proves its value. */
const slotsLeast = 5

/**
 * Which session it is, as far as the server tells: the row's lock shows as one on the whole table.
 */
async function heldBy({ connection, role }: Change, error: ServerError): Promise<AppError> {
  if (error.sqlstate !== "55P03") return error
  const [holder] = await connection.rows(
    ["process", "user"],
    "SELECT pid, usename FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE relation = " +
      "'pg_catalog.pg_authid'::regclass AND mode = 'RowExclusiveLock' AND granted AND pid <> " +
      "pg_backend_pid() ORDER BY xact_start LIMIT 1",
  )
  if (holder === undefined) return (await heldByPrepared(connection, role)) ?? error
  const process = Number(holder.process)
  return new AppError(
    error.code,
    `${connection.label}: a session of ${holder.user} (process ${process}) has changed a role ` +
      `in a transaction that it leaves open, so role ${role} cannot be changed (SQLSTATE 55P03)`,
    { remedy: "retry", hint: `SELECT pg_terminate_backend(${process}) ends it` },
  )
}
