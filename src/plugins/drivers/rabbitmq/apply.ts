import { present } from "../../../base/present.ts"
import type { Credential } from "../../../core/ports.ts"
import { notKept } from "../server/two-passwords.ts"
import { type Account, neededAccount, storeHash } from "./api.ts"
import { isHeld, storedFor } from "./password.ts"
import { checkUser, type RabbitmqTarget } from "./target.ts"

/**
 * Gives the user `next`'s password in place of the one that it has. Where it is there already,
 * nothing changes.
 */
export async function apply(
  target: RabbitmqTarget,
  next: Credential,
  signal: AbortSignal,
): Promise<{ readonly acceptedAt?: string }> {
  checkUser(target, next)
  const account = await neededAccount(target, signal)
  if (isHeld(next, account.stored)) return { acceptedAt: next.acceptedAt ?? account.at }
  return present({ acceptedAt: await give(target, next, account, signal) })
}

/** Since when the server takes it, by its own clock. */
export async function give(
  target: RabbitmqTarget,
  next: Credential,
  account: Account,
  signal: AbortSignal,
): Promise<string> {
  const { host } = target.context
  const stored = storedFor(next, account.stored, (count) => host.random(count))
  const at = await storeHash(target, stored, account, signal)
  const after = await neededAccount(target, signal)
  if (isHeld(next, after.stored)) return at
  throw notKept({ message: after.message, name: `user ${target.options.user}` })
}
