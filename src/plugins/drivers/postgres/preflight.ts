import type { Credential, Finding, Versions } from "../../../core/ports.ts"
import { adminRefused, findingOf, ownRefused, problem } from "../server/findings.ts"
import { roleOf } from "./candidate.ts"
import { lookAt, type Seen } from "./catalog.ts"
import { idleFindings, refusalFindings } from "./idle.ts"
import { nextRole } from "./pair.ts"
import { examinePair } from "./pair-preflight.ts"
import type { Place } from "./place.ts"
import { preparedFindings } from "./prepared.ts"
import { rightFindings, type SeenRoles } from "./rights.ts"
import { hashFindings, roleFindings, serverFindings } from "./role-findings.ts"
import { inSession } from "./session.ts"
import { standbyFindings } from "./standby.ts"
import type { Connection } from "./wire.ts"

/** What a rotation would fail on, seen before any value exists. Changes nothing. */
export async function preflight(
  place: Place,
  { current }: Versions,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const role = current === undefined ? undefined : roleOf(place, current)
  if (role !== undefined && !place.roles.includes(role) && role !== place.pair?.owner)
    return [differs(place, role)]
  try {
    const found = await inSession(
      place,
      current === undefined ? [] : [current],
      signal,
      (connection) => examine(place, current, connection, signal),
    )
    // A login that must fail, for nothing, counts at the server all the same.
    if (found.some(({ severity }) => severity === "error")) return found
    return [...found, ...(await refusalFindings(place, current, signal))]
  } catch (error) {
    return [findingOf(error, (message) => refusedLogin(place, role, message))]
  }
}

function refusedLogin(
  { options: { admin }, reach, roles }: Place,
  role: string | undefined,
  message: string,
): Finding {
  return admin === undefined
    ? ownRefused(reach.label, `role ${role ?? roles.join(" or ")}`, " (SQLSTATE 28P01)")
    : adminRefused(message, admin.user)
}

function differs({ roles, pair }: Place, role: string): Finding {
  const says = `the current version belongs to role ${role}, not to ${roles.join(" or ")}`
  const remedy =
    pair === undefined
      ? "adopt the password of this role, or put the former role back"
      : `from that role to a pair: mycelium init --postgres-pair NAME --from ${role} prints each step, and a config with owner: ${role}; or adopt the password of one of the two roles`
  return problem("user-differs", says, remedy)
}

async function examine(
  place: Place,
  current: Credential | undefined,
  connection: Connection,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const roles = new Map<string, Seen>()
  const missing: Finding[] = []
  for (const role of rolesToChange(place, current)) {
    const seen = await lookAt(role, connection)
    if (seen === undefined)
      missing.push(
        problem(
          "account-missing",
          `role ${role} does not exist`,
          "create it, or correct its name in the config",
        ),
      )
    else roles.set(role, seen)
  }
  if (missing.length > 0) return missing
  return [
    ...loginFindings(place, connection),
    ...(await eachRole(roles, idleRole(place, current), connection)),
    ...(await preparedFindings(roles, connection)),
    ...rightFindings(place, roles),
    ...(await examinePair(place, current, connection)),
    ...(await idleFindings(place, current, connection)),
    ...(await standbyFindings(place, current, connection, signal)),
  ]
}

/** trust, peer or a certificate: whoever gets in that way has shown no password. */
function loginFindings(
  { options: { admin }, roles }: Place,
  { asked }: Connection,
): readonly Finding[] {
  if (asked !== "nothing") return []
  if (admin !== undefined)
    return [
      {
        code: "admin-not-asked",
        severity: "info",
        says: `the server lets ${admin.user} in without asking for a password`,
      },
    ]
  const says = `the server lets role ${roles.join()} in without asking for a password: a rotation would protect nothing`
  return [
    problem(
      "password-not-asked",
      says,
      "once its programs have a password: use scram-sha-256 in pg_hba.conf",
    ),
  ]
}

/**
 * A pair's first turn may be the one after a single role's last: that role is the owner from then
 * on, and its password is taken away.
 */
function rolesToChange(place: Place, current: Credential | undefined): readonly string[] {
  const owner = place.pair?.owner
  return owner !== undefined && current !== undefined && roleOf(place, current) === owner
    ? [...place.roles, owner]
    : place.roles
}

function idleRole({ pair }: Place, current: Credential | undefined): string | undefined {
  return pair === undefined || current === undefined ? undefined : nextRole(pair, current)
}

async function eachRole(
  roles: SeenRoles,
  idle: string | undefined,
  connection: Connection,
): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for (const [role, seen] of roles)
    found.push(
      ...roleFindings(role, seen, { idle: role === idle }),
      ...(await hashFindings(role, seen, connection)),
    )
  const [first] = roles.values()
  return [...(first === undefined ? [] : serverFindings(connection, first)), ...found]
}
