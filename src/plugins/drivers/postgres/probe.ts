import type { AppError } from "../../../base/error.ts"
import type { Credential, Heard, Probe } from "../../../core/ports.ts"
import { agreed, answerOf } from "../server/probe.ts"
import { passwordOf } from "../server/version.ts"
import { roleOf, storedVerifierOf } from "./candidate.ts"
import { checkIdentity } from "./identity.ts"
import { connectTo, everywhere, type PostgresTarget, probeName } from "./target.ts"
import { readStored } from "./read-installed.ts"
import { isRefusedPassword, ServerError } from "./server-error.ts"

/**
 * A fresh login with `candidate` on the primary and on every standby: accepted, or refused, only if
 * all of them agree.
 */
export async function probe(
  target: PostgresTarget,
  candidate: Credential,
  signal: AbortSignal,
  heard?: Heard,
): Promise<Probe> {
  return agreed(
    await Promise.all(
      everywhere(target).map((server) =>
        // A login that ended up as another role is an error of its own.
        answerOf(() => probeAt(server, candidate, signal), { heard, isNamed: isOther }),
      ),
    ),
  )
}

function isOther({ code }: AppError): boolean {
  return code === "pair-identity"
}

/** Version 0, of which only the stored form is known, is judged by the admin's view. */
async function probeAt(
  target: PostgresTarget,
  candidate: Credential,
  signal: AbortSignal,
): Promise<Probe> {
  const stored = storedVerifierOf(candidate)
  return stored === undefined
    ? logIn(target, candidate, signal)
    : compare(target, roleOf(target, candidate), stored, signal)
}

async function logIn(
  target: PostgresTarget,
  candidate: Credential,
  signal: AbortSignal,
): Promise<Probe> {
  const [role, password] = [roleOf(target, candidate), passwordOf(candidate)]
  if (password === undefined) return "unknown"
  const pair = target.pair?.roles.includes(role) === true ? target.pair : undefined
  try {
    const connection = await connectTo(
      target,
      { user: role, password, applicationName: probeName },
      signal,
    )
    try {
      if (pair !== undefined) await checkIdentity(connection, role, pair.owner)
    } finally {
      target.closing.add(connection.close())
    }
    return "accepted"
  } catch (error) {
    if (isRefusedPassword(error)) return "refused"
    // The password was right; it was the database that did not exist or let this role in. Of a
    // pair's login that is not enough to know.
    const wasRight =
      error instanceof ServerError &&
      error.authenticated &&
      (error.sqlstate === "3D000" || error.sqlstate === "42501")
    if (wasRight && pair === undefined) return "accepted"
    throw error
  }
}

async function compare(
  target: PostgresTarget,
  role: string,
  verifier: string,
  signal: AbortSignal,
): Promise<Probe> {
  if (target.options.admin === undefined) return "unknown"
  const now = await readStored(target, role, signal)
  if (now.verifier === undefined) return "unknown"
  return now.verifier === verifier ? "accepted" : "refused"
}
