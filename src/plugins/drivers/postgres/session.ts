import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import { passwordOf, roleOf } from "./candidate.ts"
import { connectTo, type Place, sessionName } from "./place.ts"
import { isRefusedPassword } from "./server-error.ts"
import type { Connection } from "./wire.ts"

/** Sessions that look or change, under our own name; probes are elsewhere. */

/**
 * Below every deadline of ours, so that the server gives up before we do. A search path without a schema in which others
 * may make functions (CVE-2018-1058). A change that the server has confirmed must survive its crash: `synchronous_commit`
 * is raised where it is off, and left alone where it asks for more.
 */
const settings = `SET search_path = pg_catalog, pg_temp; SET statement_timeout = 10000; SET lock_timeout = 5000;
SET password_encryption = 'scram-sha-256'; SELECT set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'local'), false)`

type Work<Result> = (connection: Connection) => Promise<Result>

/** Runs `work` in a session of the admin, or, without one, of the role by the first of `logins` that works; closes it. */
export async function inSession<Result>(place: Place, logins: readonly Credential[], signal: AbortSignal, work: Work<Result>): Promise<Result> {
  const connection = place.options.admin === undefined ? await loginAsRole(place, logins, signal) : await loginAsAdmin(place, signal)
  try {
    await refusePooler(connection)
    await connection.rows(["commit"], settings)
    return await work(connection)
  } finally {
    await connection.close()
  }
}

/** A pooler greets with a number of its own and may give each statement another session: no lock holds there, and settings leak. */
async function refusePooler({ rows, says, serverProcess }: Connection): Promise<void> {
  const [own] = await rows(["process"], "SELECT pg_catalog.pg_backend_pid()")
  if (serverProcess === undefined || own?.process === String(serverProcess)) return
  throw new AppError("pooler-between", `${says}: a connection pooler answers there`, { hint: "give the address of the PostgreSQL server itself" })
}

async function loginAsAdmin(place: Place, signal: AbortSignal): Promise<Connection> {
  const { admin } = place.options
  if (admin === undefined) throw new AppError("admin-missing", "this needs an admin, and the config names none")
  const password = await place.reach.credential(admin.password)
  return connectTo(place, { user: admin.user, password, database: admin.database, applicationName: sessionName(place.reach) }, signal)
}

/** Goes on to the next login only where the server has clearly refused the one before. */
async function loginAsRole(place: Place, logins: readonly Credential[], signal: AbortSignal): Promise<Connection> {
  let refusal: unknown = new AppError("login-missing", "no version holds a password to log in with, and the config names no admin", {
    hint: "name an admin, or adopt the present password",
  })
  const tried = new Set<string>()
  for (const login of logins) {
    const [user, password] = [roleOf(place, login), passwordOf(login)]
    const key = JSON.stringify([user, password?.reveal()])
    if (password === undefined || tried.has(key)) continue
    tried.add(key)
    try {
      return await connectTo(place, { user, password, applicationName: sessionName(place.reach) }, signal)
    } catch (error) {
      if (!isRefusedPassword(error)) throw error
      refusal = error
    }
  }
  throw refusal
}
