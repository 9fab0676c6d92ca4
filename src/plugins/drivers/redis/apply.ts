import { AppError } from "../../../base/error.ts"
import type { Credential, Versions } from "../../../core/ports.ts"
import { likelyFirst } from "../server/version.ts"
import type { Connection } from "./connection.ts"
import { persist } from "./persist.ts"
import type { Place } from "./place.ts"
import { onEach, userChanged } from "./session.ts"
import { hashOf, readUsable, userOf } from "./user.ts"

/**
 * Gives the user `next`'s password beside those it has, at every node, on disk too. Where it is
 * there already, nothing changes.
 */
export async function apply(
  place: Place,
  next: Credential,
  versions: Versions,
  signal: AbortSignal,
): Promise<{ readonly acceptedAt?: string }> {
  const times = await onEach(
    place,
    { logins: likelyFirst(next, versions), signal },
    async (connection) => {
      await add(connection, userOf(place, next), hashOf(next))
      return serverTime(connection)
    },
  ).finally(() => userChanged(place, userOf(place, next)))
  // The main node comes last: from then on every node takes the value, and nobody has it yet.
  const acceptedAt = times.at(-1)
  return acceptedAt === undefined ? {} : { acceptedAt: acceptedAt.toISOString() }
}

async function add(connection: Connection, user: string, hash: string): Promise<void> {
  const before = await readUsable(connection, user)
  if (!before.hashes.includes(hash)) await connection.command(["ACL", "SETUSER"], user, `#${hash}`)
  await persist(connection)
  const after = await readUsable(connection, user)
  // An ACL LOAD of someone else's between the two takes it away again.
  if (!after.hashes.includes(hash))
    throw new AppError(
      "redis-not-kept",
      `${connection.says}: the new password was taken and is gone again: somebody else changes users there`,
      { remedy: "retry" },
    )
}

/** The server's own clock. */
export async function serverTime(connection: Connection): Promise<Date> {
  const reply = await connection.command(["TIME"])
  const [seconds, micros] = Array.isArray(reply) ? reply.map(Number) : []
  const time = new Date((seconds ?? Number.NaN) * 1000 + (micros ?? 0) / 1000)
  if (Number.isNaN(time.getTime()))
    throw new AppError(
      "answer-malformed",
      `${connection.says}: the server's answer to TIME is not understood`,
    )
  return time
}
