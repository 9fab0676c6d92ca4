import { AppError } from "../../../base/error.ts"
import { isIp, isIpv4 } from "../../../base/text/ip.ts"

/**
 * What the addresses of servers have in common. An error never quotes the address: it may hold a
 * password.
 */

/** Where a server listens: a unix socket, or a port. A driver's own may say more. */
export type ServerAddress =
  | { readonly socket: string }
  | { readonly host: string; readonly port: number }

export function invalidAddress(why: string): AppError {
  return new AppError("address-invalid", `the address is not understood: ${why}`)
}

/**
 * The URL of an address that begins as `scheme` says; the parser's own error would quote what it
 * was given.
 */
export function addressUrl(text: string, scheme: RegExp, reads: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !scheme.test(text)) throw invalidAddress(reads)
  if (url.hash !== "" || /\p{Cc}/u.test(decodeAddress(text)))
    throw invalidAddress("it holds a character that no address has")
  return url
}

/** An address says where, never who. `user`: the option that names who logs in. */
export function refuseLogin(url: URL, user = "user"): void {
  if (url.password !== "" || ["password", "passfile"].some((key) => url.searchParams.has(key)))
    throw new AppError(
      "password-as-text",
      "the address holds a password: credentials come by reference, never as text",
      {
        hint: 'take it out; a password that Mycelium needs is named under "admin" by file, env or command',
      },
    )
  if (url.username !== "" || url.searchParams.has("user"))
    throw invalidAddress(`it names a user: "${user}" and "admin" say who logs in`)
}

export function refuseParameters(url: URL): void {
  if (url.search !== "")
    throw invalidAddress("it has no parameters; tls, user and admin are options of their own")
}

export function hostOf(url: URL): string {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase()
  if (!isIp(host) && !/^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_.])?$/.test(host))
    throw invalidAddress("it needs exactly one host name or IP address")
  return host
}

export function portOf(url: URL, standard: number): number {
  if (url.port === "0") throw invalidAddress("port 0 is no port")
  return url.port === "" ? standard : Number(url.port)
}

/** What the address of one API says in its messages. */
type HttpsWords = {
  /** "https://host". */
  readonly form: string
  /** What may follow the host, and does not: a whole clause. */
  readonly nothingFollows: string
  /** Why it is https off this machine: "values go there". */
  readonly because: string
}

/** Where an API is asked, in clear on this machine alone. */
export type HttpsAddress = { readonly host: string; readonly port: number; readonly tls: boolean }

/** `https://host:port`, or `http://` on this machine. An error never quotes the address. */
export function parseHttps(text: string, words: HttpsWords): HttpsAddress {
  const url = addressUrl(text, /^https?:\/\//i, `it reads ${words.form}`)
  refuseLogin(url)
  refuseParameters(url)
  if (url.pathname !== "" && url.pathname !== "/") throw invalidAddress(words.nothingFollows)
  const tls = url.protocol === "https:"
  const address = { host: hostOf(url), port: portOf(url, tls ? 443 : 80), tls }
  if (!tls && !isLocal(address))
    throw invalidAddress(`off this machine it begins with https://, for ${words.because}`)
  return address
}

/** sun_path holds 108 bytes, the last of them 0 (unix(7)). */
export function socketAt(path: string): { readonly socket: string } {
  if (!path.startsWith("/") || path.endsWith("/"))
    throw invalidAddress("it needs a host, or the absolute path of a socket")
  if (Buffer.byteLength(path) > 107)
    throw invalidAddress("the path of a socket has at most 107 bytes")
  return { socket: path }
}

export function decodeAddress(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalidAddress("it holds a percent sign that encodes nothing")
  }
}

/** Why `parse` does not understand an address; undefined where it does. */
export function addressProblem(parse: (text: string) => unknown, text: string): string | undefined {
  try {
    parse(text)
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error.message
    throw error
  }
}

/** The address for people, and for comparing the servers of two logins. */
export function sayAddress(address: ServerAddress): string {
  if ("socket" in address) return address.socket
  const { host, port } = address
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
}

/** True if no one on the network can listen in: a unix socket, or this machine itself. */
export function isLocal(address: ServerAddress): boolean {
  if ("socket" in address) return true
  const { host } = address
  return host === "localhost" || host === "::1" || (isIpv4(host) && host.startsWith("127."))
}
