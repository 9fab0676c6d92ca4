import type { Credential, Heard, Probe } from "../../../core/ports.ts"
import { agreed, answerOf } from "../server/probe.ts"
import { judgeBySight } from "../server/two-passwords.ts"
import { passwordOf } from "../server/version.ts"
import type { Address } from "./address.ts"
import { connectTo, lookName, nodesOf, type RedisTarget } from "./target.ts"
import { inSession } from "./session.ts"
import { hashOf, readUser, userOf } from "./user.ts"

/** A fresh login with `candidate` at every node; what they do not agree on is unknown. */
export async function probe(
  target: RedisTarget,
  candidate: Credential,
  signal: AbortSignal,
  heard?: Heard,
): Promise<Probe> {
  return agreed(
    await Promise.all(
      nodesOf(target).map((address) =>
        answerOf(() => logIn(target, address, candidate, signal), {
          heard,
          judge: () => judge(target, address, candidate, signal),
        }),
      ),
    ),
  )
}

async function logIn(
  target: RedisTarget,
  address: Address,
  candidate: Credential,
  signal: AbortSignal,
): Promise<Probe> {
  const password = passwordOf(candidate)
  if (password === undefined) return "unknown"
  const login = { user: userOf(target, candidate), password }
  const connection = await connectTo(target, address, login, signal)
  connection.close()
  return "accepted"
}

/**
 * WRONGPASS is also what a user that is off, or missing, gets for its right password (acl.c,
 * ACLCheckUserCredentials). So an admin looks whether the password really is not there; without
 * one, the engine's counter-proof has to do.
 */
async function judge(
  target: RedisTarget,
  address: Address,
  candidate: Credential,
  signal: AbortSignal,
): Promise<Probe> {
  if (target.options.admin === undefined) return "refused"
  return judgeBySight(target.options.admin.user, async () => {
    const user = await inSession(
      target,
      address,
      { logins: [], signal, name: lookName },
      (connection) => readUser(connection, userOf(target, candidate)),
    )
    return user?.on === true && !user.nopass && !user.hashes.includes(hashOf(candidate))
  })
}
