import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import type { Secret } from "../../../core/secret.ts"
import { asItself, loginAsItself, Sessions } from "../server/session.ts"
import { whereLetIn } from "./databases.ts"
import { ServerError } from "./server-error.ts"
import { endedTooSoon, fromTheBeginning, onceLoggedIn, withLater } from "./settings.ts"
import { connectTo, databaseAt, type LoginTo, type PostgresTarget, sessionName } from "./target.ts"
import { quoteText } from "./quote.ts"
import { unlockRoles } from "./server-lock.ts"
import type { Connection } from "./wire.ts"

/** Sessions that look or change, under our own name; probes are elsewhere. */

const sessions = new Sessions<Connection>()

/**
 * Runs `work` in a session of the admin, or, without one, of the role by the first of `logins` that
 * works. The role's is closed after it.
 */
export function inSession<Result>(
  target: PostgresTarget,
  logins: readonly Credential[],
  signal: AbortSignal,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  return runIn(target, logins, { signal }, work)
}

/** The same, and the end of a role's own session is not waited for: programs are locked out. */
export function inSessionThatLeaves<Result>(
  target: PostgresTarget,
  logins: readonly Credential[],
  signal: AbortSignal,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  return runIn(target, logins, { signal, closing: target.closing }, work)
}

async function runIn<Result>(
  target: PostgresTarget,
  logins: readonly Credential[],
  {
    signal,
    closing,
  }: { readonly signal: AbortSignal; readonly closing?: PostgresTarget["closing"] },
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const { address, options, context, roles } = target
  const { admin } = options
  const applicationName = sessionName(context)
  const open = (login: OwnLogin, wanted: string): Promise<Connection> =>
    openAnywhere(target, { ...login, applicationName }, { wanted, signal })
  const database = admin?.database ?? databaseAt(target)
  if (admin === undefined) {
    const own = (user: string, password: Secret): Promise<Connection> =>
      open({ user, password, settings: { role: "none" } }, database)
    return asItself(() => loginAsItself(logins, roles[0] ?? "", own), work, closing)
  }
  return sessions.asAdmin(
    { context, signal },
    { address, endpoint: options, admin, more: database },
    {
      open: (login) => open(login, database),
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

/** By session: why it is not in the database that it was meant for. */
const keptOutOf = new WeakMap<Connection, ServerError>()

/** The database of the config lets us in no more; undefined if it does. */
export function whyElsewhere(connection: Connection): ServerError | undefined {
  return keptOutOf.get(connection)
}

type Where = { readonly wanted: string; readonly signal: AbortSignal }

async function openAnywhere(
  target: PostgresTarget,
  login: LoginTo,
  { wanted, signal }: Where,
): Promise<Connection> {
  const { session, keptOut } = await whereLetIn(wanted, (database) =>
    openPrepared(target, { ...login, database }, signal),
  )
  if (keptOut !== undefined) keptOutOf.set(session, keptOut)
  return session
}

async function openPrepared(
  target: PostgresTarget,
  login: LoginTo,
  signal: AbortSignal,
): Promise<Connection> {
  const open = (settings: Readonly<Record<string, string>>): Promise<Connection> =>
    connectTo(target, { ...login, settings: { ...settings, ...login.settings } }, signal)
  const connection = await open(fromTheBeginning).catch((error: unknown) => {
    // A pooler may take no settings; what it is, is seen below.
    if (!(error instanceof ServerError) || error.sqlstate !== "08P01") throw error
    return connectTo(target, { ...login, settings: {} }, signal)
  })
  try {
    return await prepared(connection)
  } catch (error) {
    if (!endedTooSoon(error, connection.version)) throw error
    return prepared(await open(withLater(connection.version)))
  }
}

async function prepared(connection: Connection): Promise<Connection> {
  try {
    await refusePooler(connection)
    await connection.rows(["set"], onceLoggedIn)
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
