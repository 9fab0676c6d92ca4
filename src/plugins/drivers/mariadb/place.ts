import { createHash } from "node:crypto"
import { resolve } from "node:path"
import { AppError } from "../../../base/error.ts"
import type { Reach } from "../../../core/ports.ts"
import { gateFor, type OpenGate } from "../server/listener.ts"
import { readPem, type TlsDemand } from "../server/tls.ts"
import { type Address, isLocal, parseAddress, sayAddress } from "./address.ts"
import { type Connection, connect, type Login } from "./connection.ts"
import type { Options } from "./options.ts"

/**
 * The server and the account, as the config names them, what this secret may use to reach them, and
 * how long a change waits for locks of others.
 */
export type Place = {
  readonly options: Options
  readonly reach: Reach
  readonly address: Address
  readonly account: AccountName
  readonly waitS: number
}
/**
 * Of ASCII without quotes (options.ts). MariaDB keeps host parts in small letters; users' names are
 * as written.
 */
export type AccountName = { readonly user: string; readonly host: string }

export function makePlace(options: Options, reach: Reach): Place {
  return {
    options,
    reach,
    address: parseAddress(options.address),
    account: { user: options.user, host: options.host.toLowerCase() },
    waitS: 15,
  }
}

/** As SQL has it: 'shop'@'%'. */
export function sayAccount({ user, host }: AccountName): string {
  return `'${user}'@'${host}'`
}

/** Off this machine through verified TLS, unless the config says `insecure`. */
export async function connectTo(
  { address, options, reach }: Place,
  login: Login,
  signal: AbortSignal,
): Promise<Connection> {
  const clear =
    "socket" in address ||
    options.insecure === true ||
    (options.tls === undefined && isLocal(address))
  return connect(
    clear
      ? isLocal(address)
        ? { address, gate: gateAt(address, options, reach) }
        : { address }
      : { address, tls: await demandOf(options, reach, address.host) },
    login,
    signal,
  )
}

function gateAt(address: Address, { listener }: Options, { listeners }: Reach): OpenGate {
  return (says) =>
    gateFor("socket" in address ? { path: address.socket } : address, {
      says,
      address: sayAddress(address),
      listener,
      listeners,
    })
}

async function demandOf({ tls }: Options, { folder }: Reach, host: string): Promise<TlsDemand> {
  const pem = (file: string, what: string): Promise<string> => readPem(resolve(folder, file), what)
  return {
    name: tls?.name ?? host,
    ...(tls?.ca === undefined ? {} : { ca: await pem(tls.ca, "CERTIFICATE") }),
    ...(tls?.certificate === undefined || tls.key === undefined
      ? {}
      : {
          own: {
            certificate: await pem(tls.certificate, "CERTIFICATE"),
            key: await pem(tls.key, "PRIVATE KEY"),
          },
        }),
  }
}

/** As the admin, looking only; closes the connection. */
export async function asAdmin<Result>(
  place: Place,
  signal: AbortSignal,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const { user, password } = place.options.admin
  const connection = await connectTo(
    place,
    { user, password: await place.reach.credential(password) },
    signal,
  )
  try {
    return await work(connection)
  } finally {
    connection.close()
  }
}

/**
 * As the admin, to change something: nothing is sent to that end before the server has given this
 * connection the lock of our
 * name. It keeps it until the server has noticed the connection's end, so a later run finds by it,
 * and ends, what is under way.
 * A statement that waits for someone else's lock gives up before our own deadline: 10.11 heeds the
 * first limit behind BACKUP
 * STAGE, the second behind FLUSH TABLES WITH READ LOCK and LOCK TABLES. While a backup blocks
 * commits it is done all the same, but
 * not in the binary log: replicas then learn it with the next change, which says the whole of the
 * account's passwords.
 */
export async function changing<Result>(
  place: Place,
  signal: AbortSignal,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  return asAdmin(place, signal, async (connection) => {
    const [row] = await connection.query(
      `SELECT GET_LOCK('${lockName(place)}', 5) ${comment(place)}`,
    )
    if (row?.[0] !== "1")
      throw new AppError(
        "mariadb-busy",
        `${connection.says}: another connection still changes this secret`,
        { remedy: "retry" },
      )
    await connection.query(
      `SET SESSION lock_wait_timeout = ${place.waitS}, max_statement_time = ${place.waitS}`,
    )
    return work(connection)
  })
}

/** A lock's name is short and knows no case; it stands between quotes. */
export function lockName({ reach: { label, owner } }: Place): string {
  const name = `mycelium/${label}#${owner.slice(0, 8)}`
  if (/^[a-z0-9/#._-]{1,64}$/.test(name)) return name
  return `mycelium/${createHash("sha256").update(`${label}#${owner}`).digest("hex").slice(0, 40)}`
}

/** For who looks at the process list. */
export function comment(place: Place): string {
  return `/* ${lockName(place)} */`
}
