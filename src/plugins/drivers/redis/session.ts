import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import { asItself, loginAsItself, Sessions } from "../server/session.ts"
import { type Address, isEncrypted } from "./address.ts"
import type { Connection, RedisLogin } from "./connection.ts"
import { RedisError } from "./fault.ts"
import { grantTo } from "./rights.ts"
import { connectTo, nodesOf, type RedisTarget, sessionName } from "./target.ts"

/** Sessions that look or change; probes are elsewhere. */

export type SessionRequest = {
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
  target: RedisTarget,
  address: Address,
  ask: SessionRequest,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const { context, options } = target
  const { signal, logins } = ask
  const name = ask.name === null ? undefined : (ask.name ?? sessionName(context))
  const open = (login: RedisLogin): Promise<Connection> =>
    connectTo(target, address, { ...login, name }, signal)
  if (options.admin === undefined)
    return asItself(
      () => loginAsItself(logins, options.user, (user, password) => open({ user, password })),
      work,
    )
  const { admin } = options
  const done = sessions.asAdmin(
    { context, signal },
    { address, endpoint: options, admin, more: isEncrypted(address) },
    {
      open,
      // Preflight tries by itself whether it may have one.
      begin: (connection) =>
        name === undefined ? undefined : connection.before(["CLIENT", "SETNAME"], name),
      end: () => Promise.resolve(),
    },
    work,
  )
  return done.catch((error: unknown) => Promise.reject(withRights(error, admin.user)))
}

/** The admin lacks a right, before preflight could have said so: in an adoption. */
function withRights(error: unknown, admin: string | undefined): unknown {
  if (admin === undefined || !(error instanceof RedisError) || error.kind !== "noperm") return error
  return new AppError(error.code, error.message, { remedy: error.remedy, hint: grantTo(admin) })
}

/** This user may have another password from now on: no earlier connection is used any more. */
export function userChanged({ context }: RedisTarget, user: string): void {
  sessions.changed(context, user)
}

/** The same at every node, one after the other, the main one last: what it says counts for all. */
export async function onEach<Result>(
  target: RedisTarget,
  ask: SessionRequest,
  work: (connection: Connection) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  for (const address of [...target.also, target.main])
    results.push(await inSession(target, address, ask, work))
  return results
}

/** The same at every node, whatever becomes of the others; then throws the first failure. */
export async function onAll<Result>(
  target: RedisTarget,
  ask: SessionRequest,
  work: (connection: Connection, address: Address) => Promise<Result>,
): Promise<readonly Result[]> {
  const settled = await Promise.allSettled(
    nodesOf(target).map((address) =>
      inSession(target, address, ask, (connection) => work(connection, address)),
    ),
  )
  return settled.map((one) => {
    if (one.status === "rejected") throw one.reason
    return one.value
  })
}
