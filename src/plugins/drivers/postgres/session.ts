import { AppError } from "../../../base/error.ts"
import { Shift } from "../../../base/shift.ts"
import type { Credential } from "../../../core/ports.ts"
import { standingIn } from "../server/standing.ts"
import { sayAddress } from "./address.ts"
import { passwordOf, roleOf } from "./candidate.ts"
import { connectTo, databaseAt, type Place, sessionName } from "./place.ts"
import { quoteText } from "./quote.ts"
import { isRefusedPassword } from "./server-error.ts"
import { unlockRoles } from "./server-lock.ts"
import type { Connection } from "./wire.ts"

/** Sessions that look or change, under our own name; probes are elsewhere. */

/**
 * Below every deadline of ours, so that the server gives up before we do. A search path without a
 * schema in which others
 * may make functions (CVE-2018-1058). A change that the server has confirmed must survive its
 * crash: `synchronous_commit`
 * is raised where it is off, and left alone where it asks for more.
 */
const settings = `SET search_path = pg_catalog, pg_temp; SET statement_timeout = 10000; SET lock_timeout = 5000;
SET password_encryption = 'scram-sha-256'; SELECT set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'local'), false)`

type Work<Result> = (connection: Connection) => Promise<Result>

const standingOf = standingIn<Connection>()

/**
 * Runs `work` in a session of the admin, or, without one, of the role by the first of `logins` that
 * works. The role's is closed after it.
 */
export async function inSession<Result>(
  place: Place,
  logins: readonly Credential[],
  signal: AbortSignal,
  work: Work<Result>,
): Promise<Result> {
  if (place.options.admin !== undefined) return asAdmin(place, signal, work)
  const connection = await prepared(await loginAsRole(place, logins, signal))
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}

async function asAdmin<Result>(
  place: Place,
  signal: AbortSignal,
  work: Work<Result>,
): Promise<Result> {
  const {
    reach,
    options: { admin, tls, insecure },
  } = place
  if (admin === undefined)
    throw new AppError("admin-missing", "this needs an admin, and the config names none")
  const { user, password } = admin
  const database = admin.database ?? databaseAt(place)
  const open = async (): Promise<Connection> =>
    prepared(
      await connectTo(
        place,
        {
          user,
          password: await reach.credential(password),
          database,
          applicationName: sessionName(reach),
        },
        signal,
      ),
    )
  const way = {
    open,
    begin: (connection: Connection) =>
      connection.before(`SET application_name = ${quoteText(sessionName(reach))}`),
    end: unlockRoles,
  }
  return standingOf(reach.shift ?? new Shift()).use(
    {
      server: sayAddress(place.address),
      user,
      password,
      rest: [database, tls, insecure, reach.folder],
    },
    way,
    signal,
    work,
  )
}

/**
 * These roles may have other passwords from now on: no session of before is used for anything more.
 */
export function rolesChanged({ reach }: Place, roles: Iterable<string>): void {
  if (reach.shift !== undefined) for (const role of roles) standingOf(reach.shift).changed(role)
}

async function prepared(connection: Connection): Promise<Connection> {
  try {
    await refusePooler(connection)
    await connection.rows(["commit"], settings)
    return connection
  } catch (error) {
    await connection.close()
    throw error
  }
}

/**
 * A pooler greets with a number of its own and may give each statement another session: no lock
 * holds there, and settings leak.
 */
async function refusePooler({ rows, says, serverProcess }: Connection): Promise<void> {
  const [own] = await rows(["process"], "SELECT pg_catalog.pg_backend_pid()")
  if (serverProcess === undefined || own?.process === String(serverProcess)) return
  throw new AppError("pooler-between", `${says}: a connection pooler answers there`, {
    hint: "give the address of the PostgreSQL server itself",
  })
}

/** Goes on to the next login only where the server has clearly refused the one before. */
async function loginAsRole(
  place: Place,
  logins: readonly Credential[],
  signal: AbortSignal,
): Promise<Connection> {
  let refusal: unknown = new AppError(
    "login-missing",
    "no version holds a password to log in with, and the config names no admin",
    {
      hint: "name an admin, or adopt the present password",
    },
  )
  const tried = new Set<string>()
  for (const login of logins) {
    const [user, password] = [roleOf(place, login), passwordOf(login)]
    const key = JSON.stringify([user, password?.reveal()])
    if (password === undefined || tried.has(key)) continue
    tried.add(key)
    try {
      return await connectTo(
        place,
        { user, password, applicationName: sessionName(place.reach) },
        signal,
      )
    } catch (error) {
      if (!isRefusedPassword(error)) throw error
      refusal = error
    }
  }
  throw refusal
}
