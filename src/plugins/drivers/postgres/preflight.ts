import type { Credential, Finding, Versions } from "../../../core/ports.ts"
import { adminRefused, findingOf, ownRefused, problem } from "../server/findings.ts"
import { roleOf } from "./candidate.ts"
import { hasFewSeats, readRole, type Seen } from "./catalog.ts"
import { idleFindings, refusalFindings } from "./idle.ts"
import { nextRole } from "./pair.ts"
import { examinePair } from "./pair-preflight.ts"
import type { PostgresTarget } from "./target.ts"
import { preparedFindings } from "./prepared.ts"
import { rightFindings, type SeenRoles } from "./rights.ts"
import { databaseFindings, hashFindings, roleFindings, serverFindings } from "./role-findings.ts"
import { inSession } from "./session.ts"
import { standbyFindings } from "./standby.ts"
import type { Connection } from "./wire.ts"

/** What a rotation would fail on, seen before any value exists. Changes nothing. */
export async function preflight(
  target: PostgresTarget,
  { current }: Versions,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const role = current === undefined ? undefined : roleOf(target, current)
  if (role !== undefined && !target.roles.includes(role) && role !== target.pair?.owner)
    return [differs(target, role)]
  try {
    const found = await inSession(
      target,
      current === undefined ? [] : [current],
      signal,
      (connection) => examine(target, current, connection, signal),
    )
    // A login that must fail, for nothing, counts at the server all the same.
    if (found.some(({ severity }) => severity === "error")) return found
    return [...found, ...(await refusalFindings(target, current, signal))]
  } catch (error) {
    return [findingOf(error, (message) => refusedLogin(target, role, message))]
  }
}

function refusedLogin(
  { options: { admin }, context, roles }: PostgresTarget,
  role: string | undefined,
  message: string,
): Finding {
  return admin === undefined
    ? ownRefused(context.label, `role ${role ?? roles.join(" or ")}`, " (SQLSTATE 28P01)")
    : adminRefused(message, admin.user)
}

function differs({ roles, pair }: PostgresTarget, role: string): Finding {
  const message = `the current version belongs to role ${role}, not to ${roles.join(" or ")}`
  const remedy =
    pair === undefined
      ? "adopt the password of this role, or put the former role back"
      : `from that role to a pair: mycelium init --postgres-pair NAME --from ${role} prints ` +
        `each step, and a config with owner: ${role}; or adopt the password of one of the two ` +
        "roles"
  return problem("user-differs", message, remedy)
}

async function examine(
  target: PostgresTarget,
  current: Credential | undefined,
  connection: Connection,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const roles = new Map<string, Seen>()
  const missing: Finding[] = []
  for (const role of rolesToChange(target, current)) {
    const seen = await readRole(role, connection)
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
  target.seats.areFew = [...roles.values()].some(hasFewSeats)
  return [
    ...loginFindings(target, connection),
    ...(target.pair === undefined ? databaseFindings(target, connection) : []),
    ...(await eachRole(roles, idleRole(target, current), connection)),
    ...(await preparedFindings(roles, connection)),
    ...rightFindings(target, roles),
    ...(await examinePair(target, current, connection)),
    ...(await idleFindings(target, current, connection)),
    ...(await standbyFindings(target, current, connection, signal)),
  ]
}

/** trust, peer or a certificate: a login by these proves no password. */
function loginFindings(
  { options: { admin }, roles }: PostgresTarget,
  { asked }: Connection,
): readonly Finding[] {
  if (asked !== "nothing") return []
  if (admin !== undefined)
    return [
      {
        code: "admin-not-asked",
        severity: "info",
        message: `the server lets ${admin.user} in without asking for a password`,
      },
    ]
  const message =
    `the server lets role ${roles.join()} in without asking for a password: ` +
    "a rotation would protect nothing"
  return [
    problem(
      "password-not-asked",
      message,
      "once its programs have a password: use scram-sha-256 in pg_hba.conf",
    ),
  ]
}

/**
 * A pair's first turn may be the one after a single role's last: that role is the owner from then
 * on, and its password is taken away.
 */
function rolesToChange(target: PostgresTarget, current: Credential | undefined): readonly string[] {
  const owner = target.pair?.owner
  return owner !== undefined && current !== undefined && roleOf(target, current) === owner
    ? [...target.roles, owner]
    : target.roles
}

function idleRole({ pair }: PostgresTarget, current: Credential | undefined): string | undefined {
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
