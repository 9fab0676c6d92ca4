import { AppError } from "../../../base/error.ts"
import { ActivityScope } from "../../../base/activity-scope.ts"
import type { Credential, PluginContext, Reference } from "../../../core/ports.ts"
import type { Secret } from "../../../core/secret.ts"
import { type ServerAddress, sayAddress } from "./address.ts"
import type { ClosingConnections } from "./closing.ts"
import type { EndpointOptions } from "./endpoint.ts"
import { isRefusedLogin } from "./findings.ts"
import {
  type PooledConnection,
  type ConnectionPool,
  poolIn,
  type PoolHooks,
} from "./connection-pool.ts"
import { passwordOf, userOf } from "./version.ts"

/** Sessions that look or change: an admin's, which are kept, or the account's own. */

type Admin = { readonly user: string; readonly password: Reference }

/** Where an admin logs in, and all that makes two logins of one admin differ. */
export type AdminLogin = {
  readonly address: ServerAddress
  readonly endpoint: EndpointOptions
  readonly admin: Admin | undefined
  /** What a driver's own login has besides: a database. */
  readonly more?: unknown
}

/** `open` is given the password, read anew. */
export type Opening<Connection> = Omit<PoolHooks<Connection>, "open"> & {
  open(login: { readonly user: string; readonly password: Secret }): Promise<Connection>
}

/** The sessions of one kind of server. */
export class Sessions<Connection extends PooledConnection> {
  readonly #poolOf: (activity: ActivityScope) => ConnectionPool<Connection> = poolIn<Connection>()

  /** Runs `work` as the admin, over a connection that the next act may use. */
  async asAdmin<Result>(
    { context, signal }: { readonly context: PluginContext; readonly signal: AbortSignal },
    { address, endpoint, admin, more }: AdminLogin,
    { open, ...opening }: Opening<Connection>,
    work: (connection: Connection) => Promise<Result>,
  ): Promise<Result> {
    if (admin === undefined)
      throw new AppError("admin-missing", "this needs an admin, and the config names none")
    const { user, password } = admin
    const { tls, insecure, listener } = endpoint
    return this.#poolOf(context.activity ?? new ActivityScope()).use(
      {
        server: sayAddress(address),
        user,
        password,
        rest: [tls, insecure, listener, context.folder, more],
      },
      {
        ...opening,
        open: async () => open({ user, password: await context.credential(password) }),
      },
      signal,
      work,
    )
  }

  /** This user may have another password from now on: no earlier connection is used any more. */
  changed({ activity }: PluginContext, user: string): void {
    if (activity !== undefined) this.#poolOf(activity).changed(user)
  }
}

/**
 * Runs `work` over a connection of the account itself, which is closed after it: before this
 * resolves, or, where there is `closing`, beside what follows.
 */
export async function asItself<Connection extends { close(): Promise<void> | void }, Result>(
  open: () => Promise<Connection>,
  work: (connection: Connection) => Promise<Result>,
  closing?: ClosingConnections,
): Promise<Result> {
  const connection = await open()
  try {
    return await work(connection)
  } finally {
    const gone = Promise.resolve(connection.close())
    if (closing === undefined) await gone
    else closing.add(gone)
  }
}

/**
 * Logs in as the account itself: goes on to the next of `logins` only if the server has clearly
 * refused the one before.
 */
export async function loginAsItself<Connection>(
  logins: readonly Credential[],
  configured: string,
  open: (user: string, password: Secret) => Promise<Connection>,
): Promise<Connection> {
  let refusal: unknown = new AppError(
    "login-missing",
    "no version holds a password to log in with, and the config names no admin",
    { hint: "name an admin, or adopt the present password" },
  )
  const tried = new Set<string>()
  for (const login of logins) {
    const [user, password] = [userOf(login, configured), passwordOf(login)]
    const key = JSON.stringify([user, password?.reveal()])
    if (password === undefined || tried.has(key)) continue
    tried.add(key)
    try {
      return await open(user, password)
    } catch (error) {
      if (!isRefusedLogin(error)) throw error
      refusal = error
    }
  }
  throw refusal
}

/** No login that we know works, and there is no admin: the server cannot be asked. */
export function isLockedOut(admin: unknown, error: unknown): boolean {
  return (
    admin === undefined &&
    (isRefusedLogin(error) || (error instanceof AppError && error.code === "login-missing"))
  )
}
