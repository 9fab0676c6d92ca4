import { AppError } from "../../../base/error.ts"
import type { Containing, Credential, Versions } from "../../../core/ports.ts"
import { likelyFirst } from "../server/version.ts"
import { newPassword, roleOf } from "./candidate.ts"
import { alterRole, alterShut, type Change, endRole, makeRoom } from "./contend.ts"
import { dropEarly, openEarly, type PostgresTarget } from "./target.ts"
import { quoteText } from "./quote.ts"
import { resetLong } from "./long-settings.ts"
import { waitForReplay } from "./replay.ts"
import { serverClock } from "./server-clock.ts"
import { ServerError } from "./server-error.ts"
import { lockRoles } from "./server-lock.ts"
import { inSessionThatLeaves, rolesChanged } from "./session.ts"
import type { Connection } from "./wire.ts"

type How = Containing & { readonly versions: Versions }

/**
 * Gives `next`'s role `next`'s password, on the standbys too. The same call again sends the same
 * statement.
 */
export async function apply(
  target: PostgresTarget,
  next: Credential,
  { versions, contain = false, again = 0 }: How,
  signal: AbortSignal,
): Promise<{ readonly acceptedAt?: string }> {
  const role = roleOf(target, next)
  const password = `PASSWORD ${quoteText(await newPassword(target, next))}`
  // A pair's role may have lost its LOGIN with its last password, or a contained role to a run that
  // was killed, an intruder, or a person; preflight has said so.
  const opens = target.options.admin !== undefined && (target.pair !== undefined || contain)
  const logins = likelyFirst(next, versions)
  openEarly(target, role, signal)
  const changed = inSessionThatLeaves(target, logins, signal, async (connection) => {
    await lockRoles(connection, new Set([role, ...target.roles]), { target, signal, ends: contain })
    const expired = contain && opens && (await hasExpired(connection, role))
    const clause = expired ? `${password} VALID UNTIL 'infinity'` : password
    const change = { target, connection, role, signal, contain }
    const held = contain && target.options.admin !== undefined && (await resetLong(change))
    await (contain
      ? alterContained(change, clause, { opens, again })
      : alterRole(change, opens ? `LOGIN ${clause}` : clause)
    )
      .catch((error: unknown) => Promise.reject(asPolicy(target, role, error)))
      .finally(() => rolesChanged(target, [role]))
    // Who has set it is logged in, maybe, and sets it again.
    if (held) await endRole(change).then(() => resetLong(change))
    await waitForReplay(target, connection, logins, signal)
    // Last: until a standby has replayed the change, it lets sessions in by the old password.
    const acceptedAt = await serverClock(connection)
    return acceptedAt === undefined ? {} : { acceptedAt }
  })
  return changed.catch((error: unknown) => {
    dropEarly(target)
    throw error
  })
}

/** The server refuses every password then: a login could prove nothing. */
async function hasExpired(connection: Connection, role: string): Promise<boolean> {
  const [seen] = await connection.rows(
    ["expired"],
    `SELECT rolvaliduntil <= now() FROM pg_roles WHERE rolname = ${quoteText(role)}`,
  )
  return seen?.expired === "t"
}

/** `again`: the value was taken, and did not stay. Only an admin can shut a role meanwhile. */
async function alterContained(
  change: Change,
  clause: string,
  { opens, again }: { readonly opens: boolean; readonly again: number },
): Promise<void> {
  if (opens && again > 0) await alterShut(change, clause, again)
  else await alterRole(change, opens ? `LOGIN ${clause}` : clause)
  await makeRoom(change)
}

/**
 * A hook of the server (credcheck, passwordcheck, a hosted service's own) says no by one of these;
 * asking again changes nothing.
 */
const policyStates = new Set([
  "22023",
  "28000",
  "42501",
  "P0001",
  "0A000",
  "42601",
  "22000",
  "23514",
])

function asPolicy({ options }: PostgresTarget, role: string, error: unknown): unknown {
  if (!(error instanceof ServerError) || !policyStates.has(error.sqlstate)) return error
  const plaintext =
    "a hosted server, or credcheck, may take no verifier: send: plaintext, over verified TLS"
  return new AppError(
    "refused-by-policy",
    `the server will not take this password for role ${role} (SQLSTATE ${error.sqlstate})`,
    {
      remedy: "give-up",
      hint: `see the server's log for its rule${options.send === "plaintext" ? "" : `; ${plaintext}`}`,
    },
  )
}
