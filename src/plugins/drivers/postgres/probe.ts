import type { AppError } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"
import type { Credential, Heard, Probe } from "../../../core/ports.ts"
import type { Secret } from "../../../core/secret.ts"
import { agreed, answerOf } from "../server/probe.ts"
import { isKeptOut, whereLetIn } from "./databases.ts"
import { passwordOf } from "../server/version.ts"
import { roleOf, storedVerifierOf } from "./candidate.ts"
import { checkIdentity } from "./identity.ts"
import { connectEarly, databaseAt, everywhere, type PostgresTarget, probeName } from "./target.ts"
import { fromTheBeginning } from "./settings.ts"
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
        answerOf(() => probeAt(server, candidate, { signal, heard }), { heard, isNamed: isOther }),
      ),
    ),
  )
}

type Asking = { readonly signal: AbortSignal; readonly heard: Heard | undefined }

function isOther({ code }: AppError): boolean {
  return code === "pair-identity"
}

/** Version 0, of which only the stored form is known, is judged by the admin's view. */
async function probeAt(
  target: PostgresTarget,
  candidate: Credential,
  { signal, heard }: Asking,
): Promise<Probe> {
  const stored = storedVerifierOf(candidate)
  return stored === undefined
    ? logIn(target, candidate, { signal, heard })
    : compare(target, roleOf(target, candidate), stored, signal)
}

async function logIn(
  target: PostgresTarget,
  candidate: Credential,
  { signal, heard }: Asking,
): Promise<Probe> {
  const [role, password] = [roleOf(target, candidate), passwordOf(candidate)]
  if (password === undefined) return "unknown"
  const pair = target.pair?.roles.includes(role) === true ? target.pair : undefined
  try {
    if (pair === undefined) return await logInTo(target, { role, password }, signal)
    // The password alone does not tell whose rights a session of a pair has: any database shows it.
    const { session } = await whereLetIn(databaseAt(target), (database) =>
      logInTo(target, { role, password, database, owner: pair.owner }, signal),
    )
    return session
  } catch (error) {
    if (isRefusedPassword(error)) return "refused"
    // The password was right, whatever the database or a setting says then.
    if (pair === undefined && provesPassword(error)) {
      heard?.(error)
      return "accepted"
    }
    throw error
  }
}

type Login = {
  readonly role: string
  readonly password: Secret
  readonly database?: string
  /** Whom a session of a pair must become. */
  readonly owner?: string
}

async function logInTo(
  target: PostgresTarget,
  { role, password, database, owner }: Login,
  signal: AbortSignal,
): Promise<Probe> {
  const connection = await connectEarly(
    target,
    {
      user: role,
      password,
      ...present({ database }),
      applicationName: probeName,
      ...(owner === undefined ? {} : { settings: fromTheBeginning }),
    },
    signal,
  )
  try {
    if (owner !== undefined) await checkIdentity(connection, role, owner)
  } finally {
    target.closing.add(connection.close())
  }
  return "accepted"
}

/**
 * The server checks a password before all else, and only then whether the database exists and lets
 * the role in, and which libraries a login needs. Not of a role without LOGIN: an `apply` that was
 * cut off may have left it so.
 */
function provesPassword(error: unknown): error is ServerError {
  return (
    isKeptOut(error) ||
    (error instanceof ServerError && error.authenticated && error.sqlstate === "58P01")
  )
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
