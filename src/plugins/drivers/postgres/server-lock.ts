import { createHash } from "node:crypto"
import { AppError } from "../../../base/error.ts"
import type { PostgresTarget } from "./target.ts"
import type { Connection } from "./wire.ts"

const locking = new WeakSet<Connection>()

/**
 * How long (ms) a lock is waited for that another user than ours holds: any user that may log in
 * can take it.
 */
const foreignMs = 2000
const lookMs = 50

type How = {
  readonly target: PostgresTarget
  readonly signal: AbortSignal
  /** The role's own sessions, if we log in as it: an intruder's. */
  readonly ends?: boolean
}

/**
 * One change of a role at a time, whichever machine it comes from; a pair is locked whole. The
 * locks end with the session, or by `unlockRoles`. It keeps two of our acts apart, which log in
 * alike; each act is one statement and is proven by a login, so one that is kept apart from none
 * spoils nothing.
 */
export async function lockRoles(
  connection: Connection,
  roles: Iterable<string>,
  options: How,
): Promise<void> {
  locking.add(connection)
  for (const role of roles) await lock(connection, role, options)
}

export async function unlockRoles(connection: Connection): Promise<void> {
  if (locking.delete(connection)) await connection.rows(["none"], "SELECT pg_advisory_unlock_all()")
}

async function lock(
  connection: Connection,
  role: string,
  { target, signal, ends = false }: How,
): Promise<void> {
  const key = createHash("sha256").update(`mycelium ${role}`).digest().readBigInt64BE(0)
  for (let waitedMs = 0; ; waitedMs += lookMs) {
    const [answer] = await connection.rows(["got"], `SELECT pg_try_advisory_lock(${key})`)
    if (answer?.got === "t") return
    const holders = await holdersOf(connection, key)
    const ours = holders.find(({ own }) => own === "t")
    if (ours !== undefined && !(ends && target.options.admin === undefined))
      throw lockedBy(connection, role, ours)
    if (waitedMs >= foreignMs) return
    if (ours !== undefined)
      await connection.rows(["told"], `SELECT pg_terminate_backend(${Number(ours.process)})`)
    await target.context.host.pause(lookMs, signal)
  }
}

type Holder = Readonly<Record<"process" | "user" | "name" | "own", string | null>>

function holdersOf(connection: Connection, key: bigint): Promise<readonly Holder[]> {
  return connection.rows(
    ["process", "user", "name", "own"],
    `SELECT pid, usename, application_name, usename = session_user FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND objsubid = 1
     AND (classid::bigint << 32) | objid::bigint = ${key} AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
}

/**
 * A session's name is chosen by its client: only what looks like one of our names is repeated, as a
 * claim.
 */
function lockedBy({ label }: Connection, role: string, { process, user, name }: Holder): AppError {
  const claim =
    name !== null && /^mycelium\/[\w./#-]+$/.test(name) ? `, which calls itself ${name},` : ""
  return new AppError(
    "locked-at-server",
    `${label}: another session of ${user} (process ${Number(process)})${claim} holds the lock ` +
      `for changes of role ${role}`,
    {
      remedy: "retry",
      hint: `if that is no mycelium at work, end it: SELECT pg_terminate_backend(${Number(process)})`,
    },
  )
}
