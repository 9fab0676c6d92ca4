import { createHash } from "node:crypto"
import { AppError } from "../../../base/error.ts"
import type { Credential, Versions } from "../../../core/ports.ts"
import { newPassword, roleOf } from "./candidate.ts"
import type { Place } from "./place.ts"
import { quoteName, quoteText } from "./quote.ts"
import { ServerError } from "./server-error.ts"
import { inSession } from "./session.ts"
import type { Connection } from "./wire.ts"

/** Gives the role `next`'s password. The same call again sends the same statement. */
export async function apply(place: Place, next: Credential, versions: Versions, signal: AbortSignal): Promise<{ readonly acceptedAt?: string }> {
  const role = roleOf(place, next)
  const statement = `ALTER ROLE ${quoteName(role)} PASSWORD ${quoteText(await newPassword(place, next))}`
  return inSession(place, likelyFirst(next, versions), signal, async (connection) => {
    await lock(connection, role)
    await connection.rows([], statement).catch((error: unknown) => Promise.reject(asPolicy(place, role, error)))
    const [clock] = await connection.rows(["now"], `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`)
    return clock?.now == null ? {} : { acceptedAt: clock.now }
  })
}

/** Without an admin: what the role most likely has now, first, for each refused login counts at the server. On the way back that is the pending one. */
function likelyFirst(next: Credential, { current, pending, previous }: Versions): readonly Credential[] {
  const order = next.version === current?.version ? [pending, current, previous] : [current, next, pending, previous]
  return order.filter((login) => login !== undefined)
}

/** One rotation of a role at a time, whichever machine it comes from. The lock ends with the session. */
async function lock(connection: Connection, role: string): Promise<void> {
  const key = createHash("sha256").update(`mycelium ${role}`).digest().readBigInt64BE(0)
  const [answer] = await connection.rows(["got"], `SELECT pg_try_advisory_lock(${key})`)
  if (answer?.got === "t") return
  const [holder] = await connection.rows(
    ["name"],
    `SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND objsubid = 1
     AND (classid::bigint << 32) | objid::bigint = ${key} AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1`,
  )
  throw new AppError("locked-at-server", `${connection.says}: ${sayHolder(holder?.name)} is changing role ${role} now`, { remedy: "retry" })
}

/** A session's name is chosen by its client: only what looks like one of ours is repeated. */
function sayHolder(name: string | null | undefined): string {
  return name != null && /^mycelium\/[\w./#-]+$/.test(name) ? `another session, ${name},` : "another session"
}

/** A hook of the server (credcheck, passwordcheck, a hosted service's own) says no by one of these; asking again changes nothing. */
const policyStates = new Set(["22023", "28000", "42501", "P0001", "0A000", "42601", "22000", "23514"])

function asPolicy({ options }: Place, role: string, error: unknown): unknown {
  if (!(error instanceof ServerError) || !policyStates.has(error.sqlstate)) return error
  const plaintext = "a hosted server, or credcheck, may take no verifier: send: plaintext, over verified TLS"
  return new AppError("refused-by-policy", `the server will not take this password for role ${role} (SQLSTATE ${error.sqlstate})`, {
    remedy: "give-up",
    hint: `see the server's log for its rule${options.send === "plaintext" ? "" : `; ${plaintext}`}`,
  })
}
