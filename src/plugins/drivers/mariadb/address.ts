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

/**
 * Reads `mariadb://host:3306` and `mariadb:///path.sock`. No user, no password, no database, no
 * parameter. An error never quotes the address. A client of the socket is 'user'@'localhost' to the
 * server.
 */
export function parseAddress(text: string): ServerAddress {
  const url = addressUrl(
    text,
    /^mariadb:\/\//i,
    "it reads mariadb://host:3306 or mariadb:///path.sock",
  )
  refuseLogin(url)
  refuseParameters(url)
  const path = decodeAddress(url.pathname)
  if (url.hostname === "" && url.port === "") return socketAt(path)
  const host = hostOf(url)
  if (path !== "" && path !== "/")
    throw invalidAddress("nothing follows the port: an account is the server's, not a database's")
  return { host, port: portOf(url, 3306) }
}
