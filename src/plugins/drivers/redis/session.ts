import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import type { Address } from "./address.ts"
import type { Connection } from "./connection.ts"
import { isKind } from "./fault.ts"
import { connectTo, nodesOf, type Place, sessionName } from "./place.ts"
import { passwordOf, userOf } from "./user.ts"

/** Sessions that look or change; probes are elsewhere. */

export type Ask = {
  /** Without an admin: the versions whose login may work, the likeliest first. */
  readonly logins: readonly Credential[]
  readonly signal: AbortSignal
  /** Ours, unless said otherwise; null: none at all. */
  readonly name?: string | null
}

type Work<Result> = (connection: Connection) => Promise<Result>

/** Runs `work` as the admin, or, without one, as the user itself; closes the connection. */
export async function inSession<Result>(place: Place, address: Address, ask: Ask, work: Work<Result>): Promise<Result> {
  const connection = place.options.admin === undefined ? await loginAsUser(place, address, ask) : await loginAsAdmin(place, address, ask)
  try {
    return await work(connection)
  } finally {
    connection.close()
  }
}

/** The same at every node, one after the other, the main one last: what it says counts for all. */
export async function onEach<Result>(place: Place, ask: Ask, work: Work<Result>): Promise<readonly Result[]> {
  const results: Result[] = []
  for (const address of [...place.also, place.main]) results.push(await inSession(place, address, ask, work))
  return results
}

/** The same at every node, whatever becomes of the others; then throws the first failure. */
export async function onAll<Result>(place: Place, ask: Ask, work: Work<Result>): Promise<readonly Result[]> {
  const settled = await Promise.allSettled(nodesOf(place).map((address) => inSession(place, address, ask, work)))
  return settled.map((one) => {
    if (one.status === "rejected") throw one.reason
    return one.value
  })
}

/** No login that we know works, and there is no admin: nobody can look. */
export function isLockedOut({ options }: Place, error: unknown): boolean {
  return options.admin === undefined && (isKind(error, "wrongpass") || (error instanceof AppError && error.code === "login-missing"))
}

function nameFor(place: Place, { name }: Ask): string | undefined {
  return name === null ? undefined : (name ?? sessionName(place.reach))
}

async function loginAsAdmin(place: Place, address: Address, ask: Ask): Promise<Connection> {
  const { admin } = place.options
  if (admin === undefined) throw new AppError("admin-missing", "this needs an admin, and the config names none")
  const password = await place.reach.credential(admin.password)
  return connectTo(place, address, { user: admin.user, password, name: nameFor(place, ask) }, ask.signal)
}

/** Goes on to the next login only where the server has clearly refused the one before. */
async function loginAsUser(place: Place, address: Address, ask: Ask): Promise<Connection> {
  let refusal: unknown = new AppError("login-missing", "no version holds a password to log in with, and the config names no admin", {
    hint: "name an admin, or adopt the present password",
  })
  const tried = new Set<string>()
  for (const login of ask.logins) {
    const [user, password] = [userOf(place, login), passwordOf(login)]
    const key = JSON.stringify([user, password?.reveal()])
    if (password === undefined || tried.has(key)) continue
    tried.add(key)
    try {
      return await connectTo(place, address, { user, password, name: nameFor(place, ask) }, ask.signal)
    } catch (error) {
      if (!isKind(error, "wrongpass")) throw error
      refusal = error
    }
  }
  throw refusal
}
