import type { Credential } from "../../../core/ports.ts"
import { asItself, loginAsItself, Sessions } from "../server/session.ts"
import { type Address, isEncrypted } from "./address.ts"
import type { Connection, Login } from "./connection.ts"
import { connectTo, nodesOf, type Place, sessionName } from "./place.ts"

/** Sessions that look or change; probes are elsewhere. */

export type Ask = {
  /** Without an admin: the versions whose login may work, the likeliest first. */
  readonly logins: readonly Credential[]
  readonly signal: AbortSignal
  /** Ours, unless said otherwise; null: none at all. */
  readonly name?: string | null
}

const sessions = new Sessions<Connection>()

/**
 * Runs `work` as the admin, or, without one, as the user itself, whose connection is closed after
 * it.
 */
export async function inSession<Result>(
  place: Place,
  address: Address,
  ask: Ask,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const { reach, options } = place
  const { signal, logins } = ask
  const name = ask.name === null ? undefined : (ask.name ?? sessionName(reach))
  const open = (login: Login): Promise<Connection> =>
    connectTo(place, address, { ...login, name }, signal)
  if (options.admin === undefined)
    return asItself(
      () => loginAsItself(logins, options.user, (user, password) => open({ user, password })),
      work,
    )
  return sessions.asAdmin(
    { reach, signal },
    { address, way: options, admin: options.admin, more: isEncrypted(address) },
    {
      open,
      // Preflight tries by itself whether it may have one.
      begin: (connection) =>
        name === undefined ? undefined : connection.before(["CLIENT", "SETNAME"], name),
      end: () => Promise.resolve(),
    },
    work,
  )
}

/**
 * This user may have another password from now on: no connection of before is used for anything
 * more.
 */
export function userChanged({ reach }: Place, user: string): void {
  sessions.changed(reach, user)
}

/** The same at every node, one after the other, the main one last: what it says counts for all. */
export async function onEach<Result>(
  place: Place,
  ask: Ask,
  work: (connection: Connection) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  for (const address of [...place.also, place.main])
    results.push(await inSession(place, address, ask, work))
  return results
}

/** The same at every node, whatever becomes of the others; then throws the first failure. */
export async function onAll<Result>(
  place: Place,
  ask: Ask,
  work: (connection: Connection, address: Address) => Promise<Result>,
): Promise<readonly Result[]> {
  const settled = await Promise.allSettled(
    nodesOf(place).map((address) =>
      inSession(place, address, ask, (connection) => work(connection, address)),
    ),
  )
  return settled.map((one) => {
    if (one.status === "rejected") throw one.reason
    return one.value
  })
}
