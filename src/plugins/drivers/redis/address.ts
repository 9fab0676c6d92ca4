import {
  addressUrl,
  decodeAddress,
  invalidAddress,
  isHost,
  isLoopback,
  passwordInAddress,
  sayHost,
} from "../server/address.ts"

/** Where a server listens: a unix socket, or a port, in clear or through TLS. */
export type Address =
  | { readonly socket: string }
  | { readonly host: string; readonly port: number; readonly tls: boolean }

/**
 * Reads `redis://host:6379`, `rediss://host:6379`, `redis:///path.sock` and `unix:/path.sock`; a
 * database number is let be,
 * for users are the server's. No user, no password, no parameter. An error never quotes the
 * address.
 */
export function parseAddress(text: string): Address {
  const url = addressUrl(
    text,
    /^(rediss?:\/\/|unix:\/)/i,
    "it reads redis://host:6379, rediss://host:6379 or unix:/path.sock",
  )
  refuseLogin(url)
  if (url.search !== "")
    throw invalidAddress("it has no parameters; tls, user and admin are options of their own")
  const path = decodeAddress(url.pathname)
  if (url.protocol === "unix:" || (url.protocol === "redis:" && url.hostname === ""))
    return socketAt(url, path)
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase()
  if (!isHost(host)) throw invalidAddress("it needs exactly one host name or IP address")
  if (!/^(\/\d{0,9})?$/.test(path))
    throw invalidAddress("nothing follows the port but the number of a database")
  if (url.port === "0") throw invalidAddress("port 0 is no port")
  return { host, port: url.port === "" ? 6379 : Number(url.port), tls: url.protocol === "rediss:" }
}

/** The place for people, and the server's name where two logins are compared. */
export function sayAddress(address: Address): string {
  if ("socket" in address) return address.socket
  return sayHost(address.host, address.port)
}

/**
 * True where nobody between here and the server can listen: a unix socket, or this machine itself.
 */
export function isLocal(address: Address): boolean {
  return "socket" in address || isLoopback(address.host)
}

/** `redis://:password@host` is the usual way to write one. */
function refuseLogin(url: URL): void {
  if (url.password !== "" || url.searchParams.has("password")) {
    throw passwordInAddress()
  }
  if (url.username !== "")
    throw invalidAddress('it names a user: "user" and "admin" say who logs in')
}

/** sun_path holds 108 bytes, the last of them 0 (unix(7)). */
function socketAt(url: URL, path: string): Address {
  if (url.hostname !== "" || !/^\/+[^/]*\D/.test(path) || path.endsWith("/"))
    throw invalidAddress("it needs a host, or the absolute path of a socket")
  if (Buffer.byteLength(path) > 107)
    throw invalidAddress("the path of a socket has at most 107 bytes")
  return { socket: path }
}
