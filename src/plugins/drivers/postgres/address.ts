import { isIP } from "node:net"
import { AppError } from "../../../base/error.ts"

/** Where a server listens. `socket` is a folder; it wins over `host`. */
export type Address = { readonly host: string; readonly port: number; readonly database?: string; readonly socket?: string }

/**
 * Reads `postgresql://host:port/database` and `postgresql:///database?host=/socket/folder` (PostgreSQL manual, Connection URIs;
 * narrowed: one host, no user, no password, no other parameter). An error never quotes the address.
 */
export function parseAddress(text: string): Address {
  const url = parseUrl(text)
  refuseLogin(url)
  for (const key of url.searchParams.keys()) {
    if (key !== "host") throw invalid(`"host" (a socket folder) is the only parameter that it may have; for sslmode and sslrootcert use "tls"`)
  }
  const folder = url.searchParams.get("host")
  if (folder !== null && !folder.startsWith("/")) throw invalid(`its parameter "host" is an absolute socket folder`)
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
  if (folder === null && !isHost(host)) throw invalid("it needs exactly one host name or IP address")
  const database = decode(url.pathname.slice(1))
  if (database.includes("/")) throw invalid("what follows the host is one database name")
  if (url.port === "0") throw invalid("port 0 is no port")
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

/** The place for people, and the server's name where two logins are compared: never the database. */
export function sayAddress({ host, port, socket }: Address): string {
  if (socket !== undefined) return `${socket}/.s.PGSQL.${port}`
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
}

/** True where nobody between here and the server can listen: a unix socket, or this machine itself. */
export function isLocal({ host, socket }: Address): boolean {
  return socket !== undefined || host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))
}

function parseUrl(text: string): URL {
  // The parser's own error quotes what it was given.
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^postgres(ql)?:\/\//i.test(text)) throw invalid("it reads postgresql://host:5432/database")
  if (url.hash !== "" || /\p{Cc}/u.test(decode(text))) throw invalid("it holds a character that no address has")
  return url
}

function refuseLogin(url: URL): void {
  if (url.password !== "" || url.searchParams.has("password") || url.searchParams.has("passfile")) {
    throw new AppError("password-as-text", "the address holds a password: credentials come by reference, never as text", {
      hint: 'take it out; a password that Mycelium needs is named under "admin" by file, env or command',
    })
  }
  if (url.username !== "" || url.searchParams.has("user")) throw invalid('it names a user: "role" and "admin" say who logs in')
}

function isHost(host: string): boolean {
  return isIP(host) !== 0 || /^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_.])?$/i.test(host)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid("it holds a percent sign that encodes nothing")
  }
}

function invalid(why: string): AppError {
  return new AppError("address-invalid", `the address is not understood: ${why}`)
}
