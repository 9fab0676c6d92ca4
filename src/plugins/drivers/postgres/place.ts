import { createHash } from "node:crypto"
import { resolve } from "node:path"
import { AppError } from "../../../base/error.ts"
import type { Reach } from "../../../core/ports.ts"
import type { Secret } from "../../../core/secret.ts"
import { gateFor, type OpenGate } from "../server/listener.ts"
import { readTrusted, whyUnread } from "../server/tls.ts"
import { type Address, isLocal, parseAddress, sayAddress } from "./address.ts"
import type { Options } from "./options.ts"
import { type Pair, pairOf, rolesOf } from "./pair.ts"
import { type Endpoint, socketPath } from "./socket.ts"
import { type Connection, connect } from "./wire.ts"

/** One server as the config names it, and what this secret may use to reach it. */
export type Place = {
  readonly options: Options
  readonly address: Address
  readonly reach: Reach
  /** The roles that the config names: one, or a pair's two. */
  readonly roles: readonly string[]
  readonly pair: Pair | undefined
  /** The same, at each standby that the config names. */
  readonly standbys: readonly Place[]
}

export function makePlace(options: Options, reach: Reach): Place {
  const address = parseAddress(options.address)
  const primary = {
    options,
    address,
    reach,
    roles: rolesOf(options),
    pair: pairOf(options),
    standbys: [],
  }
  const standbys = (options.also ?? []).map((text) => ({
    ...primary,
    address: { ...databaseOf(address), ...parseAddress(text) },
  }))
  return { ...primary, standbys }
}

/** A standby has the same databases: what its address leaves out is the primary's. */
function databaseOf({ database }: Address): Pick<Address, "database"> {
  return database === undefined ? {} : { database }
}

/** The primary and its standbys. */
export function everywhere(place: Place): readonly Place[] {
  return [place, ...place.standbys]
}

/** Where programs log in, as far as the config tells. */
export function databaseAt({ address }: Place): string {
  return address.database ?? "postgres"
}

export type LoginTo = {
  readonly user: string
  readonly password: Secret
  readonly database?: string | undefined
  readonly applicationName: string
}

/**
 * A connection to `place`; off this machine only through verified TLS, unless the config says
 * `insecure`.
 */
export async function connectTo(
  place: Place,
  login: LoginTo,
  signal: AbortSignal,
): Promise<Connection> {
  const database = login.database ?? databaseAt(place)
  return connect(
    await endpoint(place),
    { ...login, database, random: place.reach.host.random },
    signal,
  )
}

async function endpoint({ options, address, reach }: Place): Promise<Endpoint> {
  // A unix socket speaks no TLS (manual, Secure TCP/IP Connections with SSL).
  const wanted = options.tls !== undefined || (!isLocal(address) && options.insecure !== true)
  if (!wanted || address.socket !== undefined)
    return isLocal(address) ? { address, gate: gateAt(address, options, reach) } : { address }
  const name = options.tls?.name ?? address.host
  const file = options.tls?.ca
  return {
    address,
    tls:
      file === undefined
        ? { name }
        : { name, ca: await readAuthority(resolve(reach.folder, file)) },
  }
}

function gateAt(address: Address, { listener }: Options, { listeners }: Reach): OpenGate {
  return (says) =>
    gateFor(
      address.socket === undefined ? address : { path: socketPath(address.socket, address.port) },
      { says, address: sayAddress(address), listener, listeners },
    )
}

async function readAuthority(path: string): Promise<string> {
  const text = await readTrusted(path).catch((error: unknown) => {
    throw new AppError("tls-ca-unreadable", `cannot read ${path}: ${whyUnread(path, error)}`)
  })
  if (!text.includes("-----BEGIN CERTIFICATE-----"))
    throw new AppError("tls-ca-unreadable", `${path} holds no certificate in PEM form`)
  return text
}

/**
 * The application_name of our sessions that change something: a later run finds and ends them by
 * it. PostgreSQL cuts a
 * name at 63 bytes and rewrites what is not printable ASCII (manual, application_name), so what
 * does not fit is hashed.
 */
export function sessionName({ label, owner }: Reach): string {
  const name = `mycelium/${label}#${owner.slice(0, 8)}`
  if (/^[ -~]{1,63}$/.test(name)) return name
  return `mycelium/${createHash("sha256").update(`${label}#${owner}`).digest("hex").slice(0, 40)}`
}
/** Probes change nothing; ending one would only spoil its answer. */
export const probeName = "mycelium-probe"
