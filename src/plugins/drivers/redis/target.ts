import type { PluginContext } from "../../../core/ports.ts"
import { endpointAt } from "../server/endpoint.ts"
import { nameAtServer } from "../server/names.ts"
import { type Address, isEncrypted, parseAddress } from "./address.ts"
import { type Connection, connect, type RedisLogin } from "./connection.ts"
import type { RedisOptions } from "./options.ts"

/**
 * The nodes that keep one user, as the config names them, and what this secret may use to reach
 * them.
 */
export type RedisTarget = {
  readonly options: RedisOptions
  readonly context: PluginContext
  /** The node whose clock counts. */
  readonly main: Address
  /** Every other node: users are not replicated. */
  readonly also: readonly Address[]
}

export function makeTarget(options: RedisOptions, context: PluginContext): RedisTarget {
  return {
    options,
    context,
    main: parseAddress(options.address),
    also: (options.also ?? []).map(parseAddress),
  }
}

export function nodesOf({ main, also }: RedisTarget): readonly Address[] {
  return [main, ...also]
}

/**
 * A connection to one of the nodes; off this machine through verified TLS, unless the config says
 * `insecure`.
 */
export async function connectTo(
  { options, context }: RedisTarget,
  address: Address,
  login: RedisLogin,
  signal: AbortSignal,
): Promise<Connection> {
  const way = { ...options, encrypted: isEncrypted(address) }
  return connect(await endpointAt(address, way, context), login, signal)
}

/**
 * The CLIENT SETNAME of our connections that change something: a later run finds and ends them by
 * it. A name holds no space and only printable ASCII (networking.c, validateClientAttr).
 */
export function sessionName(context: PluginContext): string {
  return nameAtServer(context, /^[!-~]{1,128}$/)
}
/** Who only looks changes nothing; ending that would only spoil an answer. */
export const lookName = "mycelium-look"
