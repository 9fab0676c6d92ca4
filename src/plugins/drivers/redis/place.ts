import { createHash } from "node:crypto"
import { resolve } from "node:path"
import type { Reach } from "../../../core/ports.ts"
import { gateFor, type OpenGate } from "../server/listener.ts"
import { readPem, type TlsDemand } from "../server/tls.ts"
import { type Address, isLocal, parseAddress, sayAddress } from "./address.ts"
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
  place: Place,
  address: Address,
  login: Login,
  signal: AbortSignal,
): Promise<Connection> {
  if ("socket" in address || !address.tls)
    return connect(
      isLocal(address) ? { address, gate: gateAt(place, address) } : { address },
      login,
      signal,
    )
  return connect({ address, tls: await demandOf(place, address.host) }, login, signal)
}

function gateAt(
  { options: { listener }, reach: { listeners } }: Place,
  address: Address,
): OpenGate {
  return (says) =>
    gateFor("socket" in address ? { path: address.socket } : address, {
      says,
      address: sayAddress(address),
      listener,
      listeners,
    })
}

async function demandOf(
  { options: { tls }, reach: { folder } }: Place,
  host: string,
): Promise<TlsDemand> {
  const pem = (file: string, what: string): Promise<string> => readPem(resolve(folder, file), what)
  return {
    name: tls?.name ?? host,
    ...(tls?.ca === undefined ? {} : { ca: await pem(tls.ca, "CERTIFICATE") }),
    ...(tls?.certificate === undefined || tls.key === undefined
      ? {}
      : {
          own: {
            certificate: await pem(tls.certificate, "CERTIFICATE"),
            key: await pem(tls.key, "PRIVATE KEY"),
          },
        }),
  }
}

/**
 * The CLIENT SETNAME of our connections that change something: a later run finds and ends them by
 * it. A name holds no
 * space and only printable ASCII (networking.c, validateClientAttr), so what does not fit is
 * hashed.
 */
export function sessionName({ label, owner }: Reach): string {
  const name = `mycelium/${label}#${owner.slice(0, 8)}`
  if (/^[!-~]{1,128}$/.test(name)) return name
  return `mycelium/${createHash("sha256").update(`${label}#${owner}`).digest("hex").slice(0, 40)}`
}
/** Who only looks changes nothing; ending that would only spoil an answer. */
export const lookName = "mycelium-look"
