import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import { asItself, loginAsItself, Sessions } from "../server/session.ts"
import { connectTo, databaseAt, type LoginTo, type PostgresTarget, sessionName } from "./target.ts"
import { quoteText } from "./quote.ts"
import { unlockRoles } from "./server-lock.ts"
import type { Connection } from "./wire.ts"

/** Sessions that look or change, under our own name; probes are elsewhere. */

/**
 * Below all our deadlines, so that the server gives up before we do. A search path without a schema
 * in which others may make functions (CVE-2018-1058). A change that the server has confirmed must
 * survive its crash: `synchronous_commit` is raised where it is off, and left alone where it asks
 * for more.
 */
const settings = `SET search_path = pg_catalog, pg_temp; SET statement_timeout = 10000; SET lock_timeout = 5000;
SET password_encryption = 'scram-sha-256'; SELECT set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'local'), false)`

const sessions = new Sessions<Connection>()

/**
 * Runs `work` in a session of the admin, or, without one, of the role by the first of `logins` that
 * works. The role's is closed after it.
 */
export async function inSession<Result>(
  target: PostgresTarget,
  logins: readonly Credential[],
  signal: AbortSignal,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const { address, options, context, roles } = target
  const { admin } = options
  const applicationName = sessionName(context)
  const open = async (login: OwnLogin): Promise<Connection> =>
    connectTo(target, { ...login, applicationName }, signal)
  if (admin === undefined) {
    return asItself(
      async () =>
        prepared(
          await loginAsItself(logins, roles[0] ?? "", (user, password) => open({ user, password })),
        ),
      work,
    )
  }
  const database = admin.database ?? databaseAt(target)
  return sessions.asAdmin(
    { context, signal },
    { address, endpoint: options, admin, more: database },
    {
      open: async (login) => prepared(await open({ ...login, database })),
      begin: (connection) =>
        connection.before(`SET application_name = ${quoteText(applicationName)}`),
      end: unlockRoles,
    },
    work,
  )
}

type OwnLogin = Omit<LoginTo, "applicationName">

/** These roles may have other passwords from now on: no earlier session is used any more. */
export function rolesChanged({ context }: PostgresTarget, roles: Iterable<string>): void {
  for (const role of roles) sessions.changed(context, role)
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
async function refusePooler({ rows, label, serverProcess }: Connection): Promise<void> {
  const [own] = await rows(["process"], "SELECT pg_catalog.pg_backend_pid()")
  if (serverProcess === undefined || own?.process === String(serverProcess)) return
  throw new AppError("pooler-between", `${label}: a connection pooler answers there`, {
    hint: "give the address of the PostgreSQL server itself",
  })
}
