import type { Finding } from "../../../core/ports.ts"
import type { Seen } from "./catalog.ts"
import { problem } from "../server/findings.ts"
import type { PostgresTarget } from "./target.ts"
import { quoteName } from "./quote.ts"

/** By role: what the catalogs say about it. */
export type SeenRoles = ReadonlyMap<string, Seen>

/**
 * May we change these roles' passwords, and see and end their sessions? With the SQL that would let
 * us.
 */
export function rightFindings(
  { options: { admin }, pair }: PostgresTarget,
  roles: SeenRoles,
): readonly Finding[] {
  const found: Finding[] = []
  for (const [role, seen] of roles) {
    const who = admin?.user ?? role
    if (!mayAlter(seen))
      found.push(
        problem(
          "not-permitted",
          `${who} may not change the password of role ${role}`,
          letAlter(who, role, seen, pair !== undefined),
        ),
      )
  }
  return [
    ...found,
    ...(pair === undefined ? [] : blindFindings(admin?.user ?? "", roles)),
    ...sessionFindings(admin?.user, roles),
    ...superuserFindings(admin?.user, roles),
  ]
}

/**
 * Of a pair the age of sessions must be known: only so a revoke can tell whom it would lock out.
 */
function blindFindings(admin: string, roles: SeenRoles): readonly Finding[] {
  const hidden = names(roles, (seen) => !maySee(seen))
  if (hidden === "") return []
  return [
    {
      ...problem(
        "sessions-hidden",
        `${admin} may not see since when sessions of ${hidden} are open`,
        `GRANT pg_read_all_stats TO ${quoteName(admin)}`,
      ),
      // A containment locks out all that holds the old value anyway.
      yields: true,
    },
  ]
}

function sessionFindings(admin: string | undefined, roles: SeenRoles): readonly Finding[] {
  const beyond = names(roles, (seen) => !maySee(seen) || !maySignal(seen))
  if (beyond === "") return []
  const who = admin ?? [...roles.keys()].join()
  const message = `${who} may not see and end the sessions of ${beyond}: end_sessions would fail`
  return [
    {
      code: "sessions-out-of-reach",
      severity: "info",
      sessions: true,
      message,
      remedy: `if sessions are to be ended: GRANT pg_signal_backend, pg_read_all_stats TO ${quoteName(who)}`,
    },
  ]
}

function superuserFindings(admin: string | undefined, roles: SeenRoles): readonly Finding[] {
  if (admin === undefined || ![...roles.values()].some((seen) => seen.weAreSuperuser === "t"))
    return []
  const remedy = "CREATEROLE and ADMIN OPTION on the role are enough"
  return [
    {
      code: "admin-too-powerful",
      severity: "info",
      message: `admin ${admin} is a superuser, which is more than it needs`,
      remedy,
    },
  ]
}

/** "role shop_blue", "role shop_blue and role shop_green", or nothing. */
function names(roles: SeenRoles, which: (seen: Seen) => boolean): string {
  return [...roles]
    .filter(([, seen]) => which(seen))
    .map(([role]) => `role ${role}`)
    .join(" and ")
}

/**
 * Who may change a password (manual, ALTER ROLE): oneself; a superuser; CREATEROLE, since 16 only
 * with ADMIN OPTION on the role. A superuser's only a superuser, before 16 a replication role's,
 * too.
 */
function mayAlter(seen: Seen): boolean {
  if (seen.self === "t" || seen.weAreSuperuser === "t") return true
  if (isForSuperusers(seen) || seen.weCreate !== "t") return false
  return seen.since16 !== "t" || seen.weAdminister === "t"
}

function isForSuperusers({ superuser, replication, since16 }: Seen): boolean {
  return superuser === "t" || (replication === "t" && since16 !== "t")
}

function maySee({ self, weAreSuperuser, weSee }: Seen): boolean {
  return self === "t" || weAreSuperuser === "t" || weSee === "t"
}

/** Only a superuser ends a superuser's session (manual, Server Signaling Functions). */
function maySignal({ self, superuser, weAreSuperuser, weSignal }: Seen): boolean {
  return self === "t" || weAreSuperuser === "t" || (weSignal === "t" && superuser !== "t")
}

function letAlter(who: string, role: string, seen: Seen, isPair: boolean): string {
  if (isForSuperusers(seen))
    return (
      "only a superuser may: " +
      `${isPair ? "take that attribute from both roles" : "name one as admin, or leave admin out so that the role changes its own password"}`
    )
  const create = `ALTER ROLE ${quoteName(who)} CREATEROLE`
  // ADMIN OPTION alone: the admin gets none of the role's own rights.
  return seen.since16 === "t"
    ? `${create}; GRANT ${quoteName(role)} TO ${quoteName(who)} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`
    : create
}
