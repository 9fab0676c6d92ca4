import { AppError } from "../../../base/error.ts"
import {
  addressUrl,
  decodeAddress,
  invalidAddress,
  isHost,
  isLoopback,
  passwordInAddress,
  sayHost,
} from "../server/address.ts"

/** Where a server listens. `socket` is a folder; it wins over `host`. */
export type Address = {
  readonly host: string
  readonly port: number
  readonly database?: string
  readonly socket?: string
}

/**
 * Reads `postgresql://host:port/database` and `postgresql:///database?host=/socket/folder`
 * (PostgreSQL manual, Connection URIs;
 * narrowed: one host, no user, no password, no other parameter). An error never quotes the address.
 */
export function parseAddress(text: string): Address {
  const url = addressUrl(text, /^postgres(ql)?:\/\//i, "it reads postgresql://host:5432/database")
  refuseLogin(url)
  for (const key of url.searchParams.keys()) {
    if (key !== "host")
      throw invalidAddress(
        `"host" (a socket folder) is the only parameter that it may have; for sslmode and sslrootcert use "tls"`,
      )
  }
  const folder = url.searchParams.get("host")
  if (folder !== null && !folder.startsWith("/"))
    throw invalidAddress(`its parameter "host" is an absolute socket folder`)
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
  if (folder === null && !isHost(host))
    throw invalidAddress("it needs exactly one host name or IP address")
  const database = decodeAddress(url.pathname.slice(1))
  if (database.includes("/")) throw invalidAddress("what follows the host is one database name")
  if (url.port === "0") throw invalidAddress("port 0 is no port")
  return {
    host: host.toLowerCase(),
    port: url.port === "" ? 5432 : Number(url.port),
    ...(database === "" ? {} : { database }),
    ...(folder === null ? {} : { socket: folder.replace(/(.)\/+$/, "$1") }),
  }
}

/** Why the address is not understood; undefined where it is. */
export function addressProblem(text: string): string | undefined {
  try {
    parseAddress(text)
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error.message
    throw error
  }
}

/**
 * The place for people, and the server's name where two logins are compared: never the database.
 */
export function sayAddress({ host, port, socket }: Address): string {
  if (socket !== undefined) return `${socket}/.s.PGSQL.${port}`
  return sayHost(host, port)
}

/**
 * True where nobody between here and the server can listen: a unix socket, or this machine itself.
 */
export function isLocal({ host, socket }: Address): boolean {
  return socket !== undefined || isLoopback(host)
}

function refuseLogin(url: URL): void {
  if (url.password !== "" || url.searchParams.has("password") || url.searchParams.has("passfile")) {
    throw passwordInAddress()
  }
  if (url.username !== "" || url.searchParams.has("user"))
    throw invalidAddress('it names a user: "role" and "admin" say who logs in')
}
