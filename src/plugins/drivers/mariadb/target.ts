import type { PluginContext } from "../../../core/ports.ts"
import type { ServerAddress } from "../server/address.ts"
import { ClosingConnections } from "../server/closing.ts"
import { endpointAt, wantsTls } from "../server/endpoint.ts"
import { nameAtServer } from "../server/names.ts"
import { parseAddress } from "./address.ts"
import { type Connection, connect, type MariadbLogin } from "./connection.ts"
import type { MariadbOptions } from "./options.ts"

/**
 * The server and the account, as the config names them, what this secret may use to reach them, and
 * how long a change waits for locks of others.
 */
export type MariadbTarget = {
  readonly options: MariadbOptions
  readonly context: PluginContext
  readonly address: ServerAddress
  readonly account: AccountName
  readonly waitS: number
  readonly closing: ClosingConnections
}
/**
 * Of ASCII without quotes (options.ts). MariaDB keeps host parts in small letters; users' names are
 * as written.
 */
export type AccountName = { readonly user: string; readonly host: string }

export function makeTarget(options: MariadbOptions, context: PluginContext): MariadbTarget {
  return {
    options,
    context,
    address: parseAddress(options.address),
    account: { user: options.user, host: options.host.toLowerCase() },
    waitS: 15,
    closing: new ClosingConnections(),
  }
}

/** As SQL has it: 'shop'@'%'. */
export function sayAccount({ user, host }: AccountName): string {
  return `'${user}'@'${host}'`
}

/** Off this machine through verified TLS, unless the config says `insecure`. */
export async function connectTo(
  { address, options, context, closing }: MariadbTarget,
  login: MariadbLogin,
  signal: AbortSignal,
): Promise<Connection> {
  await closing.drained()
  const way = { ...options, encrypted: wantsTls(address, options) }
  return connect(await endpointAt(address, way, context), login, signal)
}

/** A lock's name is short and knows no case; it stands between quotes. */
export function lockName({ context }: MariadbTarget): string {
  return nameAtServer(context, /^[a-z0-9/#._-]{1,64}$/)
}

/** For who looks at the process list. */
export function comment(target: MariadbTarget): string {
  return `/* ${lockName(target)} */`
}
