import { type HttpsAddress, sayAddress, parseHttps } from "../drivers/server/address.ts"

/** Where Vault or OpenBao listens, in clear or through TLS. */
export type Address = HttpsAddress

/** `https://host:8200`, or `http://` on this machine. An error never quotes the address. */
export function parseAddress(text: string): Address {
  return parseHttps(text, {
    form: "https://host:8200",
    nothingFollows: "nothing follows the port: mount and path are options of their own",
    because: "tokens and values go there",
  })
}

/** The same for every way to write it: "https://vault.internal:8200". */
export function canonical(text: string): string {
  const address = parseAddress(text)
  return `${address.tls ? "https" : "http"}://${sayAddress(address)}`
}
