import {
  addressUrl,
  decodeAddress,
  invalidAddress,
  isHost,
  isLoopback,
  passwordInAddress,
  sayHost,
} from "../server/address.ts"

/** Where a server listens. A client of the socket is 'user'@'localhost' to it. */
export type Address = { readonly socket: string } | { readonly host: string; readonly port: number }

/**
 * Reads `mariadb://host:3306` and `mariadb:///path.sock`. No user, no password, no database, no
 * parameter. An error never quotes the address.
 */
export function parseAddress(text: string): Address {
  const url = addressUrl(
    text,
    /^mariadb:\/\//i,
    "it reads mariadb://host:3306 or mariadb:///path.sock",
  )
  if (url.password !== "" || url.searchParams.has("password")) throw passwordInAddress()
  if (url.username !== "")
    throw invalidAddress('it names a user: "user" and "admin" say who logs in')
  if (url.search !== "")
    throw invalidAddress("it has no parameters; tls, user and admin are options of their own")
  const path = decodeAddress(url.pathname)
  if (url.hostname === "" && url.port === "") return socketAt(path)
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase()
  if (!isHost(host)) throw invalidAddress("it needs exactly one host name or IP address")
  if (path !== "" && path !== "/")
    throw invalidAddress("nothing follows the port: an account is the server's, not a database's")
  if (url.port === "0") throw invalidAddress("port 0 is no port")
  return { host, port: url.port === "" ? 3306 : Number(url.port) }
}

/** The place for people, and the server's name where two logins are compared. */
export function sayAddress(address: Address): string {
  return "socket" in address ? address.socket : sayHost(address.host, address.port)
}

/** True where nobody between here and the server can listen. */
export function isLocal(address: Address): boolean {
  return "socket" in address || isLoopback(address.host)
}

/** sun_path holds 108 bytes, the last of them 0 (unix(7)). */
function socketAt(path: string): Address {
  if (!path.startsWith("/") || path.endsWith("/"))
    throw invalidAddress("it needs a host, or the absolute path of a socket")
  if (Buffer.byteLength(path) > 107)
    throw invalidAddress("the path of a socket has at most 107 bytes")
  return { socket: path }
}
