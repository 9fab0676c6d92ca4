import type { Credential, Heard, Probe } from "../../../core/ports.ts"
import { answerOf } from "../server/probe.ts"
import { judgeBySight } from "../server/two-passwords.ts"
import { passwordOf } from "../server/version.ts"
import { checkUser, hashOf, readAccount } from "./account.ts"
import { connectTo, type MariadbTarget } from "./target.ts"
import { asAdmin } from "./session.ts"

/**
 * A fresh login with `candidate`. Accepted only as the very account that rotates; refused only by
 * 1045, and if the account does not hold the password.
 */
export async function probe(
  target: MariadbTarget,
  candidate: Credential,
  signal: AbortSignal,
  heard?: Heard,
): Promise<Probe> {
  checkUser(target, candidate)
  return answerOf(() => logIn(target, candidate, signal), {
    heard,
    judge: () => judge(target, candidate, signal),
  })
}

async function logIn(
  target: MariadbTarget,
  candidate: Credential,
  signal: AbortSignal,
): Promise<Probe> {
  const password = passwordOf(candidate)
  if (password === undefined) return "unknown"
  const connection = await connectTo(target, { user: target.account.user, password }, signal)
  try {
    const [row] = await connection.query("SELECT CURRENT_USER()")
    const [user, host] = (row?.[0] ?? "").split(/@(?=[^@]*$)/)
    return user === target.account.user && host?.toLowerCase() === target.account.host
      ? "accepted"
      : "unknown"
  } finally {
    target.closing.add(connection.hangUp())
  }
}

/**
 * 1045 is also what an account gets for its right password where its host part does not match ours,
 * another account stands before it, or it asks for TLS.
 */
function judge(target: MariadbTarget, candidate: Credential, signal: AbortSignal): Promise<Probe> {
  return judgeBySight(target.options.admin.user, async () => {
    const account = await asAdmin(target, signal, (connection) =>
      readAccount(connection, target.account),
    )
    return account !== undefined && !account.open && !account.hashes.includes(hashOf(candidate))
  })
}
