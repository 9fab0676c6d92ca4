import type { Credential, Settling } from "../../../core/ports.ts"
import { isLockedOut } from "../server/session.ts"
import { passwordOf } from "../server/version.ts"
import { roleOf } from "./candidate.ts"
import { connectTo, type PostgresTarget, probeName, sessionName } from "./target.ts"
import { quoteName, quoteText } from "./quote.ts"
import { ServerError } from "./server-error.ts"
import { inSession } from "./session.ts"
import { endAll } from "./sessions.ts"
import type { Connection } from "./wire.ts"

/**
 * Ends what an earlier run left at the server: an ALTER ROLE that waits for a lock outlives the
 * client that sent it, and lands whenever the lock is free. False if no login is accepted, so
 * that nothing can be seen. A standby changes nothing.
 */
export async function settle(
  target: PostgresTarget,
  candidates: readonly Credential[],
  signal: AbortSignal,
  { pending }: Settling = {},
): Promise<boolean> {
  // Any program may call its session what it likes: ours are those of the user that we log in as.
  const named = `application_name = ${quoteText(sessionName(target.context))}`
  try {
    await inSession(target, candidates, signal, async (connection) => {
      await endAll(target, connection, `${named} AND usename = session_user`, signal)
      await endOthers(connection, named)
      if (pending !== undefined) await reopen(target, connection, pending, signal)
    })
    return true
  } catch (error) {
    if (isLockedOut(target.options.admin, error)) return false
    throw error
  }
}

/**
 * An earlier run may have logged in as another admin. Those that we may not end prove nothing: they
 * are not waited for.
 */
async function endOthers(connection: Connection, named: string): Promise<void> {
  const others = await connection.rows(
    ["process"],
    `SELECT pid FROM pg_stat_activity WHERE ${named} AND usename <> session_user`,
  )
  for (const { process } of others)
    await connection
      .rows(["told"], `SELECT pg_terminate_backend(${Number(process)})`)
      .catch((error: unknown) => {
        if (!(error instanceof ServerError) || error.sqlstate !== "42501") throw error
      })
}

/**
 * A run that was killed in the middle of a containment may have left the role shut. It holds the
 * new value, which only Mycelium knows, so it was Mycelium that shut it.
 */
async function reopen(
  target: PostgresTarget,
  connection: Connection,
  pending: Credential,
  signal: AbortSignal,
): Promise<void> {
  const role = roleOf(target, pending)
  const [seen] = await connection.rows(
    ["login"],
    `SELECT rolcanlogin FROM pg_roles WHERE rolname = ${quoteText(role)}`,
  )
  if (target.options.admin === undefined || seen?.login !== "f") return
  if (await isShutOut(target, role, pending, signal))
    await connection.rows([], `ALTER ROLE ${quoteName(role)} LOGIN`)
}

/** The password is right, and the login is not allowed all the same. */
async function isShutOut(
  target: PostgresTarget,
  role: string,
  candidate: Credential,
  signal: AbortSignal,
): Promise<boolean> {
  const password = passwordOf(candidate)
  if (password === undefined) return false
  try {
    const login = { user: role, password, applicationName: probeName }
    await (await connectTo(target, login, signal)).close()
    return false
  } catch (error) {
    return error instanceof ServerError && error.authenticated && error.sqlstate === "28000"
  }
}
