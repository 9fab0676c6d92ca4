import type { Credential, Heard, Probe } from "../../../core/ports.ts"
import { answerOf } from "../server/probe.ts"
import { judgeBySight } from "../server/two-passwords.ts"
import { passwordOf } from "../server/version.ts"
import { checkUser, hashOf, readAccount } from "./account.ts"
import { connectTo, type Place } from "./place.ts"
import { asAdmin } from "./session.ts"

/**
 * A fresh login with `candidate`. Accepted only as the very account that rotates; refused only by
 * 1045, and if the account does not hold the password.
 */
export async function probe(
  place: Place,
  candidate: Credential,
  signal: AbortSignal,
  heard?: Heard,
): Promise<Probe> {
  checkUser(place, candidate)
  return answerOf(() => logIn(place, candidate, signal), {
    heard,
    judge: () => judge(place, candidate, signal),
  })
}

async function logIn(place: Place, candidate: Credential, signal: AbortSignal): Promise<Probe> {
  const password = passwordOf(candidate)
  if (password === undefined) return "unknown"
  const connection = await connectTo(place, { user: place.account.user, password }, signal)
  try {
    const [row] = await connection.query("SELECT CURRENT_USER()")
    const [user, host] = (row?.[0] ?? "").split(/@(?=[^@]*$)/)
    return user === place.account.user && host?.toLowerCase() === place.account.host
      ? "accepted"
      : "unknown"
  } finally {
    connection.close()
  }
}

/**
 * 1045 is also what an account gets for its right password where its host part does not match ours,
 * another account stands before it, or it asks for TLS.
 */
function judge(place: Place, candidate: Credential, signal: AbortSignal): Promise<Probe> {
  return judgeBySight(place.options.admin.user, async () => {
    const account = await asAdmin(place, signal, (connection) =>
      readAccount(connection, place.account),
    )
    return account !== undefined && !account.open && !account.hashes.includes(hashOf(candidate))
  })
}
