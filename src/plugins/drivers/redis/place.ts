import type { Reach } from "../../../core/ports.ts"
import { endpointAt } from "../server/endpoint.ts"
import { nameAtServer } from "../server/names.ts"
import { type Address, isEncrypted, parseAddress } from "./address.ts"
import { type Connection, connect, type Login } from "./connection.ts"
import type { Options } from "./options.ts"

/**
 * The nodes that keep one user, as the config names them, and what this secret may use to reach
 * them.
 */
export type Place = {
  readonly options: Options
  readonly reach: Reach
  /** The node whose clock counts. */
  readonly main: Address
  /** Every other node: users are not replicated. */
  readonly also: readonly Address[]
}

export function makePlace(options: Options, reach: Reach): Place {
  return {
    options,
    reach,
    main: parseAddress(options.address),
    also: (options.also ?? []).map(parseAddress),
  }
}

export function nodesOf({ main, also }: Place): readonly Address[] {
  return [main, ...also]
}

/**
 * A connection to one of the nodes; off this machine through verified TLS, unless the config says
 * `insecure`.
 */
export async function connectTo(
  { options, reach }: Place,
  address: Address,
  login: Login,
  signal: AbortSignal,
): Promise<Connection> {
  const way = { ...options, encrypted: isEncrypted(address) }
  return connect(await endpointAt(address, way, reach), login, signal)
}

/**
 * The CLIENT SETNAME of our connections that change something: a later run finds and ends them by
 * it. A name holds no
 * space and only printable ASCII (networking.c, validateClientAttr).
 */
export function sessionName(reach: Reach): string {
  return nameAtServer(reach, /^[!-~]{1,128}$/)
}
/** Who only looks changes nothing; ending that would only spoil an answer. */
export const lookName = "mycelium-look"
