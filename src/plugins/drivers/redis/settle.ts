import type { Credential } from "../../../core/ports.ts"
import { isLockedOut } from "../server/session.ts"
import { passwordOf } from "../server/version.ts"
import type { Address } from "./address.ts"
import { endClients } from "./clients.ts"
import type { Connection } from "./connection.ts"
import { persist } from "./persist.ts"
import { nodesOf, type RedisTarget, sessionName } from "./target.ts"
import { type SessionRequest, inSession } from "./session.ts"
import { hashOf, readUsable, readUser } from "./user.ts"

/**
 * Ends what an earlier run left at the server, then completes what it had begun.
 *
 * A command outlives its client only in the socket of a server that does not read: one that is
 * stopped, or swapping. It is carried out when the server wakes, and only then the closed
 * connection is noticed. What we send to change something goes over a connection that the server
 * already knows by our name. So either such a connection is no longer in CLIENT LIST, and all that
 * came through it was read and done before we asked; or it is, and CLIENT KILL drops what it has
 * not read yet. One thread reads all in the order of arrival, so the first is what happens; with
 * I/O threads (Valkey 8, Redis 8) there is no such order, and the second is what counts.
 *
 * A run may have died between ACL SETUSER and ACL SAVE, or between two nodes: a login would then be
 * accepted, but not after a restart, or not everywhere. Both are made whole here, before anything
 * is asked: nothing else would do it.
 */
export async function settle(
  target: RedisTarget,
  candidates: readonly Credential[],
  signal: AbortSignal,
): Promise<boolean> {
  const ask: SessionRequest = { logins: candidates, signal }
  try {
    const found = new Map<Address, readonly string[]>()
    for (const address of nodesOf(target))
      found.set(
        address,
        await inSession(target, address, ask, (connection) =>
          endEarlier(target, connection, signal),
        ),
      )
    const ours = candidates.filter((one) => passwordOf(one) !== undefined).map(hashOf)
    const begun = ours.filter((hash) => [...found.values()].some((hashes) => hashes.includes(hash)))
    for (const [address, hashes] of found) {
      const missing = begun.filter((hash) => !hashes.includes(hash))
      await inSession(target, address, ask, (connection) => complete(target, connection, missing))
    }
    return true
  } catch (error) {
    if (isLockedOut(target.options.admin, error)) return false
    throw error
  }
}

/** The hashes that the user holds once they are no longer changed. */
async function endEarlier(
  { options, context }: RedisTarget,
  connection: Connection,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const name = sessionName(context)
  await endClients(
    connection,
    async (clients) => clients.filter((client) => client.name === name),
    { host: context.host, signal },
  )
  return (await readUser(connection, options.user))?.hashes ?? []
}

async function complete(
  { options: { user } }: RedisTarget,
  connection: Connection,
  missing: readonly string[],
): Promise<void> {
  if (missing.length > 0) {
    await readUsable(connection, user)
    await connection.command(["ACL", "SETUSER"], user, ...missing.map((hash) => `#${hash}`))
  }
  await persist(connection)
}
