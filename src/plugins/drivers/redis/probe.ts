import { AppError } from "../../../base/error.ts"
import { throwForPerson } from "../server/refused-login.ts"
import type { Credential, Heard, Probe } from "../../../core/ports.ts"
import { listenerFault } from "../server/listener.ts"
import type { Address } from "./address.ts"
import { isKind } from "./fault.ts"
import { connectTo, lookName, nodesOf, type Place } from "./place.ts"
import { inSession } from "./session.ts"
import { hashOf, passwordOf, readUser, userOf } from "./user.ts"

/** A fresh login with `candidate` at every node; what they do not agree on is unknown. */
export async function probe(
  place: Place,
  candidate: Credential,
  signal: AbortSignal,
  heard?: Heard,
): Promise<Probe> {
  const answers = await Promise.all(
    nodesOf(place).map((address) => probeAt(place, address, candidate, { signal, heard })),
  )
  const [first = "unknown"] = answers
  return answers.every((answer) => answer === first) ? first : "unknown"
}

async function probeAt(
  place: Place,
  address: Address,
  candidate: Credential,
  { signal, heard }: { readonly signal: AbortSignal; readonly heard: Heard | undefined },
): Promise<Probe> {
  const password = passwordOf(candidate)
  if (password === undefined) return "unknown"
  try {
    const connection = await connectTo(
      place,
      address,
      { user: userOf(place, candidate), password },
      signal,
    )
    connection.close()
    return "accepted"
  } catch (error) {
    // What is no error of ours is a mistake in the program and must not pass for an answer.
    if (!(error instanceof AppError)) throw error
    // Said by name: nobody was asked.
    if (listenerFault(error)) throw error
    if (isKind(error, "wrongpass")) return judge(place, address, candidate, signal)
    heard?.(error)
    return "unknown"
  }
}

/**
 * WRONGPASS is also what a user that is off, or missing, gets for its right password (acl.c,
 * ACLCheckUserCredentials). So an
 * admin looks whether the password really is not there; without one, the engine's counter-proof has
 * to do.
 */
async function judge(
  place: Place,
  address: Address,
  candidate: Credential,
  signal: AbortSignal,
): Promise<Probe> {
  if (place.options.admin === undefined) return "refused"
  try {
    const user = await inSession(
      place,
      address,
      { logins: [], signal, name: lookName },
      (connection) => readUser(connection, userOf(place, candidate)),
    )
    return user?.on === true && !user.nopass && !user.hashes.includes(hashOf(candidate))
      ? "refused"
      : "unknown"
  } catch (error) {
    throwForPerson(error, place.options.admin.user)
    return "unknown"
  }
}
