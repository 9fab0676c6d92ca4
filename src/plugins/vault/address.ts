import {
  addressUrl,
  hostOf,
  invalidAddress,
  isLocal,
  portOf,
  refuseLogin,
  refuseParameters,
  sayAddress,
} from "../drivers/server/address.ts"

/** Where Vault or OpenBao listens, in clear or through TLS. */
export type Address = { readonly host: string; readonly port: number; readonly tls: boolean }

/** `https://host:8200`, or `http://` on this machine. An error never quotes the address. */
export function parseAddress(text: string): Address {
  const url = addressUrl(text, /^https?:\/\//i, "it reads https://host:8200")
  refuseLogin(url)
  refuseParameters(url)
  if (url.pathname !== "" && url.pathname !== "/")
    throw invalidAddress("nothing follows the port: mount and path are options of their own")
  const tls = url.protocol === "https:"
  const address = { host: hostOf(url), port: portOf(url, tls ? 443 : 80), tls }
  if (!tls && !isLocal(address))
    throw invalidAddress("off this machine it begins with https://, for tokens and values go there")
  return address
}

/** The same for every way to write it: "https://vault.internal:8200". */
export function canonical(text: string): string {
  const address = parseAddress(text)
  return `${address.tls ? "https" : "http"}://${sayAddress(address)}`
}
