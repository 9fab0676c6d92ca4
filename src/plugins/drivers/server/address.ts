import { isIP } from "node:net"
import { AppError } from "../../../base/error.ts"

/**
 * What the addresses of servers have in common. An error never quotes the address: it may hold a
 * password.
 */

export function invalidAddress(why: string): AppError {
  return new AppError("address-invalid", `the address is not understood: ${why}`)
}

export function passwordInAddress(): AppError {
  return new AppError(
    "password-as-text",
    "the address holds a password: credentials come by reference, never as text",
    {
      hint: 'take it out; a password that Mycelium needs is named under "admin" by file, env or command',
    },
  )
}

export function isHost(host: string): boolean {
  return isIP(host) !== 0 || /^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_.])?$/i.test(host)
}

/** True where nobody between here and that host can listen: this machine itself. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))
}

export function sayHost(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
}

export function decodeAddress(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalidAddress("it holds a percent sign that encodes nothing")
  }
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
