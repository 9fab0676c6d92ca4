import {
  type ServerAddress,
  addressUrl,
  decodeAddress,
  hostOf,
  invalidAddress,
  portOf,
  refuseLogin,
  socketAt,
} from "../server/address.ts"

/** Where a server listens, and a database to log in to. */
export type Address = ServerAddress & { readonly database?: string }

/**
 * Reads `postgresql://host:port/database` and `postgresql:///database?host=/socket/folder`
 * (PostgreSQL manual, Connection URIs; narrowed: one host, no user, no password, no other
 * parameter). An error never quotes the address.
 */
export function parseAddress(text: string): Address {
  const url = addressUrl(text, /^postgres(ql)?:\/\//i, "it reads postgresql://host:5432/database")
  refuseLogin(url, "role")
  for (const key of url.searchParams.keys()) {
    if (key !== "host")
      throw invalidAddress(
        `"host" (a socket folder) is the only parameter that it may have; ` +
          `for sslmode and sslrootcert use "tls"`,
      )
  }
  const folder = url.searchParams.get("host")
  if (folder !== null && !folder.startsWith("/"))
    throw invalidAddress(`its parameter "host" is an absolute socket folder`)
  const host = folder === null ? hostOf(url) : ""
  const database = decodeAddress(url.pathname.slice(1))
  if (database.includes("/")) throw invalidAddress("what follows the host is one database name")
  const port = portOf(url, 5432)
  return {
    ...(folder === null ? { host, port } : socketIn(folder, port)),
    ...(database === "" ? {} : { database }),
  }
}

/** Its socket has the port in its name; it wins over a host. */
function socketIn(folder: string, port: number): { readonly socket: string } {
  return socketAt(`${folder.replace(/(.)\/+$/, "$1")}/.s.PGSQL.${port}`)
}
