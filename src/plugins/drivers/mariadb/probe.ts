import { AppError } from "../../../base/error.ts"
import { throwForPerson } from "../server/refused-login.ts"
import type { Credential, Heard, Probe } from "../../../core/ports.ts"
import { listenerFault } from "../server/listener.ts"
import { checkUser, hashOf, passwordOf, readAccount } from "./account.ts"
import { isNumber } from "./fault.ts"
import { asAdmin, connectTo, type Place } from "./place.ts"

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
  const password = passwordOf(candidate)
  if (password === undefined) return "unknown"
  try {
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
  } catch (error) {
    // What is no error of ours is a mistake in the program and must not pass for an answer.
    if (!(error instanceof AppError)) throw error
    // Said by name: nobody was asked.
    if (listenerFault(error)) throw error
    if (isNumber(error, 1045)) return judge(place, candidate, signal)
    heard?.(error)
    return "unknown"
  }
}

/**
 * 1045 is also what an account gets for its right password where its host part does not match ours,
 * another account stands before it, or it asks for TLS.
 */
async function judge(place: Place, candidate: Credential, signal: AbortSignal): Promise<Probe> {
  try {
    const account = await asAdmin(place, signal, (connection) =>
      readAccount(connection, place.account),
    )
    return account !== undefined && !account.open && !account.hashes.includes(hashOf(candidate))
      ? "refused"
      : "unknown"
  } catch (error) {
    throwForPerson(error, place.options.admin.user)
    return "unknown"
  }
}
