import type { Reach } from "../../../core/ports.ts"
import type { Address } from "../server/address.ts"
import { endpointAt, wantsTls } from "../server/endpoint.ts"
import { nameAtServer } from "../server/names.ts"
import { parseAddress } from "./address.ts"
import { type Connection, connect, type Login } from "./connection.ts"
import type { Options } from "./options.ts"

/**
 * The server and the account, as the config names them, what this secret may use to reach them, and
 * how long a change waits for locks of others.
 */
export type Place = {
  readonly options: Options
  readonly reach: Reach
  readonly address: Address
  readonly account: AccountName
  readonly waitS: number
}
/**
 * Of ASCII without quotes (options.ts). MariaDB keeps host parts in small letters; users' names are
 * as written.
 */
export type AccountName = { readonly user: string; readonly host: string }

export function makePlace(options: Options, reach: Reach): Place {
  return {
    options,
    reach,
    address: parseAddress(options.address),
    account: { user: options.user, host: options.host.toLowerCase() },
    waitS: 15,
  }
}

/** As SQL has it: 'shop'@'%'. */
export function sayAccount({ user, host }: AccountName): string {
  return `'${user}'@'${host}'`
}

/** Off this machine through verified TLS, unless the config says `insecure`. */
export async function connectTo(
  { address, options, reach }: Place,
  login: Login,
  signal: AbortSignal,
): Promise<Connection> {
  const way = { ...options, encrypted: wantsTls(address, options) }
  return connect(await endpointAt(address, way, reach), login, signal)
}

/** A lock's name is short and knows no case; it stands between quotes. */
export function lockName({ reach }: Place): string {
  return nameAtServer(reach, /^[a-z0-9/#._-]{1,64}$/)
}

/** For who looks at the process list. */
export function comment(place: Place): string {
  return `/* ${lockName(place)} */`
}
