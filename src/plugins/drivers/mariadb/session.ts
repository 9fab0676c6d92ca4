import { AppError } from "../../../base/error.ts"
import { Sessions } from "../server/session.ts"
import type { Connection } from "./connection.ts"
import { comment, connectTo, lockName, type MariadbTarget } from "./target.ts"

/** Sessions that look or change; probes are elsewhere. */

const sessions = new Sessions<Connection>()

type Work<Result> = (connection: Connection) => Promise<Result>

/** As the admin, looking only. `isNew`: over a connection that begins now. */
export async function asAdmin<Result>(
  target: MariadbTarget,
  signal: AbortSignal,
  work: Work<Result>,
  { isNew = false }: { readonly isNew?: boolean } = {},
): Promise<Result> {
  const { context, options, address } = target
  return sessions.asAdmin(
    { context, signal },
    { address, endpoint: options, admin: options.admin },
    {
      isNew,
      open: async (login) => withAutocommit(await connectTo(target, login, signal)),
      begin: () => undefined,
      end: unlock,
    },
    work,
  )
}

/** What is kept open must hold no lock of a table that it has only read. */
async function withAutocommit(connection: Connection): Promise<Connection> {
  if (connection.commits) return connection
  try {
    await connection.query("SET SESSION autocommit = 1")
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

/**
 * As the admin, to change something: nothing is sent to that end before the server has given this
 * connection the lock of our name. It keeps it until it has been told that all is done, or until
 * the server has noticed the connection's end: so a later run finds by it, and ends, what is under
 * way. A statement that waits for a foreign lock gives up before our own deadline: 10.11 heeds
 * the first limit behind BACKUP STAGE, the second behind FLUSH TABLES WITH READ LOCK and LOCK
 * TABLES. While a backup blocks commits it is done all the same, but not in the binary log:
 * replicas then learn it with the next change, which says the whole of the account's passwords.
 */
export async function changing<Result>(
  target: MariadbTarget,
  signal: AbortSignal,
  work: Work<Result>,
  options: { readonly isNew?: boolean } = {},
): Promise<Result> {
  const changed = asAdmin(
    target,
    signal,
    async (connection) => {
      await lock(target, connection)
      return work(connection)
    },
    options,
  )
  return changed.finally(() => sessions.changed(target.context, target.account.user))
}

const locking = new WeakMap<Connection, string>()

async function lock(target: MariadbTarget, connection: Connection): Promise<void> {
  const name = lockName(target)
  const [row] = await connection.query(`SELECT GET_LOCK('${name}', 5) ${comment(target)}`)
  if (row?.[0] !== "1")
    throw new AppError(
      "locked-at-server",
      `${connection.label}: another connection still changes this secret`,
      { remedy: "retry" },
    )
  locking.set(connection, name)
  await connection.query(
    `SET SESSION lock_wait_timeout = ${target.waitS}, max_statement_time = ${target.waitS}`,
  )
}

async function unlock(connection: Connection): Promise<void> {
  const name = locking.get(connection)
  if (name === undefined) return
  locking.delete(connection)
  await connection.query(
    "SET SESSION lock_wait_timeout = DEFAULT, max_statement_time = DEFAULT, " +
      `@mycelium = RELEASE_LOCK('${name}')`,
  )
}
