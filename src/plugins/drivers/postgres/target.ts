import type { PluginContext } from "../../../core/ports.ts"
import type { Secret } from "../../../core/secret.ts"
import { ClosingConnections } from "../server/closing.ts"
import { type Endpoint, endpointAt, wantsTls } from "../server/endpoint.ts"
import { nameAtServer } from "../server/names.ts"
import { type Address, parseAddress } from "./address.ts"
import { EarlyConnection } from "./early-connection.ts"
import type { PostgresOptions } from "./options.ts"
import { type Pair, pairOf, rolesOf } from "./pair.ts"
import { hasNoSeat } from "./server-error.ts"
import { type Connection, connect, connectOver, labelOf, type PostgresLogin } from "./wire.ts"

/** Whether the number of sessions is limited, as the last preflight saw it; until then it may be. */
export class Seats {
  areFew = true
}

/** One server as the config names it, and what this secret may use to reach it. */
export type PostgresTarget = {
  readonly options: PostgresOptions
  readonly address: Address
  readonly context: PluginContext
  /** The roles that the config names: one, or a pair's two. */
  readonly roles: readonly string[]
  readonly pair: Pair | undefined
  readonly closing: ClosingConnections
  /** For the login that proves a value. */
  readonly early: EarlyConnection
  readonly seats: Seats
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
    early: new EarlyConnection(),
    seats: new Seats(),
    standbys: [],
  }
  const standbys = (options.also ?? []).map((text) => ({
    ...primary,
    closing: new ClosingConnections(),
    early: new EarlyConnection(),
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
  await target.closing.drained()
  return connect(await endpointOf(target), withDefaults(target, login), signal)
}

/**
 * Made before a change, for the login that proves it. Not where an old value stays accepted: no
 * program waits there.
 */
export function openEarly(target: PostgresTarget, role: string, signal: AbortSignal): void {
  if (target.pair !== undefined) return
  for (const server of everywhere(target))
    server.early.begin(() => endpointOf(server), { label: labelOf(server, role), signal })
}

/** No login comes that would take it. */
export function dropEarly(target: PostgresTarget): void {
  for (const { early } of everywhere(target)) early.drop()
}

/** As `connectTo`, over the connection that was made early, where there is one. */
export async function connectEarly(
  target: PostgresTarget,
  login: LoginTo,
  signal: AbortSignal,
): Promise<Connection> {
  const label = labelOf(target, login.user)
  const opened = await target.early.take(label)
  if (opened === undefined) return connectTo(target, login, signal)
  const { mayHoldSeat } = target.closing
  try {
    const over = await connectOver(opened, withDefaults(target, login), { label, signal })
    if (over === undefined) return await connectTo(target, login, signal)
    await target.closing.drained()
    return over
  } catch (error) {
    // The last seat may have been that of our own session, which is about to leave it.
    if (mayHoldSeat && hasNoSeat(error)) return connectTo(target, login, signal)
    throw error
  }
}

function endpointOf({ address, options, context }: PostgresTarget): Promise<Endpoint> {
  return endpointAt(address, { ...options, encrypted: wantsTls(address, options) }, context)
}

function withDefaults(target: PostgresTarget, login: LoginTo): PostgresLogin {
  const database = login.database ?? databaseAt(target)
  return { ...login, database, random: target.context.host.random }
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
