import { AppError } from "../../../base/error.ts"
import { Shift } from "../../../base/shift.ts"
import type { Credential } from "../../../core/ports.ts"
import { standingIn } from "../server/standing.ts"
import { type Address, sayAddress } from "./address.ts"
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

const standingOf = standingIn<Connection>()

/**
 * Runs `work` as the admin, or, without one, as the user itself, whose connection is closed after
 * it.
 */
export async function inSession<Result>(
  place: Place,
  address: Address,
  ask: Ask,
  work: Work<Result>,
): Promise<Result> {
  if (place.options.admin !== undefined) return asAdmin(place, address, ask, work)
  const connection = await loginAsUser(place, address, ask)
  try {
    return await work(connection)
  } finally {
    connection.close()
  }
}

async function asAdmin<Result>(
  place: Place,
  address: Address,
  ask: Ask,
  work: Work<Result>,
): Promise<Result> {
  const {
    reach,
    options: { admin, tls },
  } = place
  if (admin === undefined)
    throw new AppError("admin-missing", "this needs an admin, and the config names none")
  const { user, password } = admin
  const name = nameFor(place, ask)
  const way = {
    open: async () =>
      connectTo(
        place,
        address,
        { user, password: await reach.credential(password), name },
        ask.signal,
      ),
    // Preflight tries by itself whether it may have one.
    begin: (connection: Connection) =>
      name === undefined ? undefined : connection.before(["CLIENT", "SETNAME"], name),
    end: () => Promise.resolve(),
  }
  return standingOf(reach.shift ?? new Shift()).use(
    {
      server: sayAddress(address),
      user,
      password,
      rest: ["tls" in address && address.tls, tls, reach.folder],
    },
    way,
    ask.signal,
    work,
  )
}

/**
 * This user may have another password from now on: no connection of before is used for anything
 * more.
 */
export function userChanged({ reach }: Place, user: string): void {
  if (reach.shift !== undefined) standingOf(reach.shift).changed(user)
}

/** The same at every node, one after the other, the main one last: what it says counts for all. */
export async function onEach<Result>(
  place: Place,
  ask: Ask,
  work: Work<Result>,
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

/** No login that we know works, and there is no admin: nobody can look. */
export function isLockedOut({ options }: Place, error: unknown): boolean {
  return (
    options.admin === undefined &&
    (isKind(error, "wrongpass") || (error instanceof AppError && error.code === "login-missing"))
  )
}

function nameFor(place: Place, { name }: Ask): string | undefined {
  return name === null ? undefined : (name ?? sessionName(place.reach))
}

/** Goes on to the next login only where the server has clearly refused the one before. */
async function loginAsUser(place: Place, address: Address, ask: Ask): Promise<Connection> {
  let refusal: unknown = new AppError(
    "login-missing",
    "no version holds a password to log in with, and the config names no admin",
    {
      hint: "name an admin, or adopt the present password",
    },
  )
  const tried = new Set<string>()
  for (const login of ask.logins) {
    const [user, password] = [userOf(place, login), passwordOf(login)]
    const key = JSON.stringify([user, password?.reveal()])
    if (password === undefined || tried.has(key)) continue
    tried.add(key)
    try {
      return await connectTo(
        place,
        address,
        { user, password, name: nameFor(place, ask) },
        ask.signal,
      )
    } catch (error) {
      if (!isKind(error, "wrongpass")) throw error
      refusal = error
    }
  }
  throw refusal
}
