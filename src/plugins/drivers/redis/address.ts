import {
  type ServerAddress,
  addressUrl,
  decodeAddress,
  hostOf,
  invalidAddress,
  portOf,
  refuseLogin,
  refuseParameters,
  socketAt,
} from "../server/address.ts"

/** Where a server listens: a unix socket, or a port, in clear or through TLS. */
export type Address = Exclude<ServerAddress, { readonly host: string }> | Port
type Port = Extract<ServerAddress, { readonly host: string }> & { readonly tls: boolean }

/**
 * Reads `redis://host:6379`, `rediss://host:6379`, `redis:///path.sock` and `unix:/path.sock`; a
 * database number is let be, for users are the server's. No user, no password, no parameter. An
 * error never quotes the address.
 */
export function parseAddress(text: string): Address {
  const url = addressUrl(
    text,
    /^(rediss?:\/\/|unix:\/)/i,
    "it reads redis://host:6379, rediss://host:6379 or unix:/path.sock",
  )
  // `redis://:password@host` is the usual way to write one.
  refuseLogin(url)
  refuseParameters(url)
  const path = decodeAddress(url.pathname)
  if (url.protocol === "unix:" || (url.protocol === "redis:" && url.hostname === "")) {
    const names = url.hostname === "" && /^\/+[^/]*\D/.test(path)
    return socketAt(names ? path : "")
  }
  const host = hostOf(url)
  if (!/^(\/\d{0,9})?$/.test(path))
    throw invalidAddress("nothing follows the port but the number of a database")
  return { host, port: portOf(url, 6379), tls: url.protocol === "rediss:" }
}

export function isEncrypted(address: Address): boolean {
  return "tls" in address && address.tls
}
