import type { Reach } from "../../../core/ports.ts"
import type { Secret } from "../../../core/secret.ts"
import { endpointAt, wantsTls } from "../server/endpoint.ts"
import { nameAtServer } from "../server/names.ts"
import { type Address, parseAddress } from "./address.ts"
import type { Options } from "./options.ts"
import { Partings } from "./partings.ts"
import { type Pair, pairOf, rolesOf } from "./pair.ts"
import { type Connection, connect } from "./wire.ts"

/** One server as the config names it, and what this secret may use to reach it. */
export type Place = {
  readonly options: Options
  readonly address: Address
  readonly reach: Reach
  /** The roles that the config names: one, or a pair's two. */
  readonly roles: readonly string[]
  readonly pair: Pair | undefined
  readonly partings: Partings
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
    partings: new Partings(),
    standbys: [],
  }
  const standbys = (options.also ?? []).map((text) => ({
    ...primary,
    partings: new Partings(),
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
  const { address, options, reach } = place
  const way = { ...options, encrypted: wantsTls(address, options) }
  await place.partings.over()
  return connect(
    await endpointAt(address, way, reach),
    { ...login, database, random: reach.host.random },
    signal,
  )
}

/**
 * The application_name of our sessions that change something: a later run finds and ends them by
 * it. PostgreSQL cuts a
 * name at 63 bytes and rewrites what is not printable ASCII (manual, application_name), so what
 * does not fit is hashed.
 */
export function sessionName(reach: Reach): string {
  return nameAtServer(reach, /^[ -~]{1,63}$/)
}
/** Probes change nothing; ending one would only spoil its answer. */
export const probeName = "mycelium-probe"
