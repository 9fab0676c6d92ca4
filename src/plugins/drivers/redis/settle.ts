import type { Credential } from "../../../core/ports.ts"
import { isLockedOut } from "../server/session.ts"
import { passwordOf } from "../server/version.ts"
import type { Address } from "./address.ts"
import { endClients } from "./clients.ts"
import type { Connection } from "./connection.ts"
import { persist } from "./persist.ts"
import { nodesOf, type Place, sessionName } from "./place.ts"
import { type Ask, inSession } from "./session.ts"
import { hashOf, readUsable, readUser } from "./user.ts"

/**
 * Ends what an earlier run of ours left at the server, then completes what it had begun.
 *
 * A command outlives its client only in the socket of a server that does not read: one that is
 * stopped, or swapping. It is
 * carried out when the server wakes, and only then the closed connection is noticed. What we send
 * to change something goes
 * over a connection that the server already knows by our name. So either such a connection is no
 * longer in CLIENT LIST, and
 * all that came through it was read and done before we asked; or it is, and CLIENT KILL drops what
 * it has not read yet. One
 * thread reads all in the order of arrival, so the first is what happens; with I/O threads (Valkey
 * 8, Redis 8) there is no
 * such order, and the second is what counts.
 *
 * A run may have died between ACL SETUSER and ACL SAVE, or between two nodes: a login would then be
 * accepted, but not after
 * a restart, or not everywhere. Both are made whole here, before anything is asked: nothing else
 * would do it.
 */
export async function settle(
  place: Place,
  known: readonly Credential[],
  signal: AbortSignal,
): Promise<boolean> {
  const ask: Ask = { logins: known, signal }
  try {
    const found = new Map<Address, readonly string[]>()
    for (const address of nodesOf(place))
      found.set(
        address,
        await inSession(place, address, ask, (connection) => endEarlier(place, connection, signal)),
      )
    const ours = known.filter((one) => passwordOf(one) !== undefined).map(hashOf)
    const begun = ours.filter((hash) => [...found.values()].some((hashes) => hashes.includes(hash)))
    for (const [address, hashes] of found) {
      const missing = begun.filter((hash) => !hashes.includes(hash))
      await inSession(place, address, ask, (connection) => complete(place, connection, missing))
    }
    return true
  } catch (error) {
    if (isLockedOut(place.options.admin, error)) return false
    throw error
  }
}

/** The hashes that the user holds once nobody changes them any more. */
async function endEarlier(
  { options, reach }: Place,
  connection: Connection,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const name = sessionName(reach)
  await endClients(
    connection,
    async (clients) => clients.filter((client) => client.name === name),
    { host: reach.host, signal },
  )
  return (await readUser(connection, options.user))?.hashes ?? []
}

async function complete(
  { options: { user } }: Place,
  connection: Connection,
  missing: readonly string[],
): Promise<void> {
  if (missing.length > 0) {
    await readUsable(connection, user)
    await connection.command(["ACL", "SETUSER"], user, ...missing.map((hash) => `#${hash}`))
  }
  await persist(connection)
}
