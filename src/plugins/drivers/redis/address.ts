import { isIP } from "node:net"
import { AppError } from "../../../base/error.ts"

/** Where a server listens: a unix socket, or a port, in clear or through TLS. */
export type Address = { readonly socket: string } | { readonly host: string; readonly port: number; readonly tls: boolean }

/**
 * Reads `redis://host:6379`, `rediss://host:6379`, `redis:///path.sock` and `unix:/path.sock`; a database number is let be,
 * for users are the server's. No user, no password, no parameter. An error never quotes the address.
 */
export function parseAddress(text: string): Address {
  const url = parseUrl(text)
  refuseLogin(url)
  if (url.search !== "") throw invalid("it has no parameters; tls, user and admin are options of their own")
  const path = decode(url.pathname)
  if (url.protocol === "unix:" || (url.protocol === "redis:" && url.hostname === "")) return socketAt(url, path)
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase()
  if (!isHost(host)) throw invalid("it needs exactly one host name or IP address")
  if (!/^(\/\d{0,9})?$/.test(path)) throw invalid("nothing follows the port but the number of a database")
  if (url.port === "0") throw invalid("port 0 is no port")
  return { host, port: url.port === "" ? 6379 : Number(url.port), tls: url.protocol === "rediss:" }
}

/** The place for people, and the server's name where two logins are compared. */
export function sayAddress(address: Address): string {
  if ("socket" in address) return address.socket
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** True where nobody between here and the server can listen: a unix socket, or this machine itself. */
export function isLocal(address: Address): boolean {
  if ("socket" in address) return true
  const { host } = address
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))
}

function parseUrl(text: string): URL {
  // The parser's own error quotes what it was given.
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^(rediss?:\/\/|unix:\/)/i.test(text)) throw invalid("it reads redis://host:6379, rediss://host:6379 or unix:/path.sock")
  if (url.hash !== "" || /\p{Cc}/u.test(decode(text))) throw invalid("it holds a character that no address has")
  return url
}

/** `redis://:password@host` is the usual way to write one. */
function refuseLogin(url: URL): void {
  if (url.password !== "" || url.searchParams.has("password")) {
    throw new AppError("password-as-text", "the address holds a password: credentials come by reference, never as text", {
      hint: 'take it out; a password that Mycelium needs is named under "admin" by file, env or command',
    })
  }
  if (url.username !== "") throw invalid('it names a user: "user" and "admin" say who logs in')
}

/** sun_path holds 108 bytes, the last of them 0 (unix(7)). */
function socketAt(url: URL, path: string): Address {
  if (url.hostname !== "" || !/^\/+[^/]*\D/.test(path) || path.endsWith("/")) throw invalid("it needs a host, or the absolute path of a socket")
  if (Buffer.byteLength(path) > 107) throw invalid("the path of a socket has at most 107 bytes")
  return { socket: path }
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
