import { AppError } from "../../../base/error.ts"
import type { Containing, Credential, Versions } from "../../../core/ports.ts"
import { addPassword, notKept } from "../server/two-passwords.ts"
import { likelyFirst } from "../server/version.ts"
import type { Connection } from "./connection.ts"
import type { RedisTarget } from "./target.ts"
import { onEach, userChanged } from "./session.ts"
import { accountOf, hashOf, reopen, userOf } from "./user.ts"

/**
 * Gives the user `next`'s password beside those it has, at every node, on disk too. Where it is
 * there already, nothing changes. In a containment a user that is off, or let in with any password,
 * is on with this one alone.
 */
export async function apply(
  target: RedisTarget,
  next: Credential,
  { versions, contain = false }: Containing & { readonly versions: Versions },
  signal: AbortSignal,
): Promise<{ readonly acceptedAt?: string }> {
  const times = await onEach(
    target,
    { logins: likelyFirst(next, versions), signal },
    async (connection) => {
      if (contain) await reopen(connection, userOf(target, next), hashOf(next))
      const account = accountOf(connection, userOf(target, next))
      // Another client's ACL LOAD may take it away again.
      const lost = await addPassword(account, hashOf(next))
      if (lost.includes(hashOf(next))) throw notKept(account)
      return serverTime(connection)
    },
  ).finally(() => userChanged(target, userOf(target, next)))
  // The main node comes last: from then on every node takes the value, and no program has it yet.
  const acceptedAt = times.at(-1)
  return acceptedAt === undefined ? {} : { acceptedAt: acceptedAt.toISOString() }
}

/** The server's own clock. */
export async function serverTime(connection: Connection): Promise<Date> {
  const reply = await connection.command(["TIME"])
  const [seconds, micros] = Array.isArray(reply) ? reply.map(Number) : []
  const time = new Date((seconds ?? Number.NaN) * 1000 + (micros ?? 0) / 1000)
  if (Number.isNaN(time.getTime()))
    throw new AppError(
      "answer-malformed",
      `${connection.label}: the server's answer to TIME is not understood`,
    )
  return time
}
