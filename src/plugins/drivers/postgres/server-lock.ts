import { createHash } from "node:crypto"
import { AppError } from "../../../base/error.ts"
import type { Connection } from "./wire.ts"

const locking = new WeakSet<Connection>()

/** One change of a role at a time, whichever machine it comes from; a pair is locked whole. The locks end with the session, or by `unlockRoles`. */
export async function lockRoles(connection: Connection, roles: Iterable<string>): Promise<void> {
  locking.add(connection)
  for (const role of roles) await lock(connection, role)
}

export async function unlockRoles(connection: Connection): Promise<void> {
  if (locking.delete(connection)) await connection.rows(["none"], "SELECT pg_advisory_unlock_all()")
}

async function lock(connection: Connection, role: string): Promise<void> {
  const key = createHash("sha256").update(`mycelium ${role}`).digest().readBigInt64BE(0)
  const [answer] = await connection.rows(["got"], `SELECT pg_try_advisory_lock(${key})`)
  if (answer?.got === "t") return
  const [holder] = await connection.rows(
    ["name"],
    `SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND objsubid = 1
     AND (classid::bigint << 32) | objid::bigint = ${key} AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1`,
  )
  throw new AppError(
    "locked-at-server",
    `${connection.says}: ${sayHolder(holder?.name)} is changing role ${role} now`,
    { remedy: "retry" },
  )
}

/** A session's name is chosen by its client: only what looks like one of ours is repeated. */
function sayHolder(name: string | null | undefined): string {
  return name != null && /^mycelium\/[\w./#-]+$/.test(name)
    ? `another session, ${name},`
    : "another session"
}
