import type { PluginContext } from "../../../core/ports.ts"
import type { Secret } from "../../../core/secret.ts"
import { ClosingConnections } from "../server/closing.ts"
import { endpointAt, wantsTls } from "../server/endpoint.ts"
import { nameAtServer } from "../server/names.ts"
import { type Address, parseAddress } from "./address.ts"
import type { PostgresOptions } from "./options.ts"
import { type Pair, pairOf, rolesOf } from "./pair.ts"
import { type Connection, connect } from "./wire.ts"

/** One server as the config names it, and what this secret may use to reach it. */
export type PostgresTarget = {
  readonly options: PostgresOptions
  readonly address: Address
  readonly context: PluginContext
  /** The roles that the config names: one, or a pair's two. */
  readonly roles: readonly string[]
  readonly pair: Pair | undefined
  readonly closing: ClosingConnections
  /** The same, at each standby that the config names. */
  readonly standbys: readonly PostgresTarget[]
}

export function makeTarget(options: PostgresOptions, context: PluginContext): PostgresTarget {
  const address = parseAddress(options.address)
  const primary = {
    options,
    address,
    context,
    roles: rolesOf(options),
    pair: pairOf(options),
    closing: new ClosingConnections(),
    standbys: [],
  }
  const standbys = (options.also ?? []).map((text) => ({
    ...primary,
    closing: new ClosingConnections(),
    address: { ...databaseOf(address), ...parseAddress(text) },
  }))
  return { ...primary, standbys }
}

/** A standby has the same databases: what its address leaves out is the primary's. */
function databaseOf({ database }: Address): Pick<Address, "database"> {
  return database === undefined ? {} : { database }
}

/** The primary and its standbys. */
export function everywhere(target: PostgresTarget): readonly PostgresTarget[] {
  return [target, ...target.standbys]
}

/** Where programs log in, as far as the config tells. */
export function databaseAt({ address }: PostgresTarget): string {
  return address.database ?? "postgres"
}

export type LoginTo = {
  readonly user: string
  readonly password: Secret
  readonly database?: string | undefined
  readonly applicationName: string
  readonly settings?: Readonly<Record<string, string>> | undefined
}

/**
 * A connection to `location`; off this machine only through verified TLS, unless the config says
 * `insecure`.
 */
export async function connectTo(
  target: PostgresTarget,
  login: LoginTo,
  signal: AbortSignal,
): Promise<Connection> {
  const database = login.database ?? databaseAt(target)
  const { address, options, context } = target
  const way = { ...options, encrypted: wantsTls(address, options) }
  await target.closing.drained()
  return connect(
    await endpointAt(address, way, context),
    { ...login, database, random: context.host.random },
    signal,
  )
}

/**
 * The application_name of our sessions that change something: a later run finds and ends them by
 * it. PostgreSQL cuts a name at 63 bytes and rewrites what is not printable ASCII (manual,
 * application_name), so what does not fit is hashed.
 */
export function sessionName(context: PluginContext): string {
  return nameAtServer(context, /^[ -~]{1,63}$/)
}
/** Probes change nothing; ending one would only spoil its answer. */
export const probeName = "mycelium-probe"
