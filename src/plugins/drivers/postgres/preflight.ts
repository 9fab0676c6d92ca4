import { AppError } from "../../../base/error.ts"
import type { Finding, Versions } from "../../../core/ports.ts"
import { roleOf } from "./candidate.ts"
import type { Place } from "./place.ts"
import { quoteName, quoteText } from "./quote.ts"
import { inSession } from "./session.ts"
import type { Connection } from "./wire.ts"

/** What a rotation would fail on, seen before any value exists. Changes nothing. */
export async function preflight(place: Place, versions: Versions, signal: AbortSignal): Promise<readonly Finding[]> {
  const { role } = place.options
  if (versions.current !== undefined && roleOf(place, versions.current) !== role) {
    return [problem("role-differs", `the current version belongs to another role than ${role}`, "adopt the password of this role, or put the former role back")]
  }
  try {
    return await inSession(place, versions.current === undefined ? [] : [versions.current], signal, (connection) => examine(place, connection))
  } catch (error) {
    // What may pass by itself is not a finding: nobody knows.
    if (!(error instanceof AppError) || error.remedy === "retry") throw error
    return [problem(error.code, error.message, error.hint)]
  }
}

const columns = ["exists", "login", "expired", "limit", "recovery", "readonly", "super", "creates", "administers", "self", "modern", "reads", "signals", "special", "superuser_role"] as const
type Seen = Readonly<Record<(typeof columns)[number], string | null>>

async function examine(place: Place, connection: Connection): Promise<readonly Finding[]> {
  const { role } = place.options
  const [seen] = await connection.rows(columns, question(quoteText(role)))
  if (seen === undefined || seen.exists !== "t") return [problem("role-missing", `role ${role} does not exist`, "create it, or correct its name in the config")]
  return [...roleFindings(role, seen), ...serverFindings(connection, seen), ...rightFindings(place, seen), ...(await hashFindings(role, seen, connection))]
}

/** One look at the catalogs: the role, the server, and what we may do here (manual, 53.7 pg_roles, 9.26.2 access privilege functions). */
function question(role: string): string {
  const grants = (what: string, privilege: string): string => `EXISTS (SELECT FROM pg_roles x WHERE x.rolname = ${what} AND pg_has_role(current_user, x.oid, '${privilege}'))`
  return `SELECT r.rolname IS NOT NULL, r.rolcanlogin, coalesce(r.rolvaliduntil <= now(), false), r.rolconnlimit,
    pg_is_in_recovery(), current_setting('transaction_read_only'), me.rolsuper, me.rolcreaterole,
    ${grants(role, "MEMBER WITH ADMIN OPTION")}, r.oid = me.oid, current_setting('server_version_num')::int >= 160000,
    has_column_privilege('pg_authid', 'rolpassword', 'SELECT') AND has_column_privilege('pg_authid', 'rolname', 'SELECT'),
    ${grants(role, "USAGE")} OR (${grants("'pg_signal_backend'", "USAGE")} AND ${grants("'pg_read_all_stats'", "USAGE")}),
    r.rolreplication, r.rolsuper
    FROM pg_roles me LEFT JOIN pg_roles r ON r.rolname = ${role} WHERE me.rolname = current_user`
}

function roleFindings(role: string, seen: Seen): readonly Finding[] {
  const found: Finding[] = []
  const name = quoteName(role)
  if (seen.login !== "t") found.push(problem("role-nologin", `role ${role} may not log in`, `ALTER ROLE ${name} LOGIN`))
  if (seen.expired === "t") {
    found.push(problem("role-expired", `role ${role} has passed its VALID UNTIL: the server refuses even the right password`, `ALTER ROLE ${name} VALID UNTIL 'infinity'`))
  }
  if (seen.limit === "0") found.push(problem("role-no-connections", `role ${role} has a connection limit of 0`, `ALTER ROLE ${name} CONNECTION LIMIT -1`))
  return found
}

function serverFindings({ says }: Connection, seen: Seen): readonly Finding[] {
  if (seen.recovery === "t") return [problem("server-in-recovery", `${says}: the server is a standby and takes no changes`, "give the address of the primary")]
  if (seen.readonly === "on") return [problem("read-only-server", `${says}: sessions are read-only there`, "default_transaction_read_only is on for the server, the database or the role")]
  return []
}

function rightFindings({ options }: Place, seen: Seen): readonly Finding[] {
  const found: Finding[] = []
  const who = options.admin?.user ?? options.role
  if (!mayAlter(seen)) found.push(problem("not-permitted", `${who} may not change the password of role ${options.role}`, grant(who, options.role, seen)))
  if (options.admin !== undefined && seen.super === "t") {
    found.push({ code: "admin-superuser", severity: "info", says: `admin ${options.admin.user} is a superuser, which is more than it needs`, remedy: "CREATEROLE and ADMIN OPTION on the role are enough" })
  }
  if (!maySignal(seen)) {
    const remedy = `if sessions are to be ended: GRANT pg_signal_backend, pg_read_all_stats TO ${quoteName(who)}`
    found.push({ code: "sessions-out-of-reach", severity: "info", says: `${who} may not see and end the sessions of role ${options.role}: end_sessions would fail`, remedy })
  }
  return found
}

/** Who may change a password (manual, ALTER ROLE, Notes): oneself; a superuser; CREATEROLE, since 16 with ADMIN OPTION on the role; a superuser's only a superuser, before 16 a replication role's, too. */
function mayAlter(seen: Seen): boolean {
  if (seen.self === "t" || seen.super === "t") return true
  if (seen.creates !== "t" || seen.superuser_role === "t") return false
  return seen.modern === "t" ? seen.administers === "t" : seen.special !== "t"
}

function maySignal(seen: Seen): boolean {
  return seen.super === "t" || (seen.signals === "t" && (seen.superuser_role !== "t" || seen.self === "t"))
}

function grant(admin: string, role: string, seen: Seen): string {
  if (seen.superuser_role === "t" || (seen.special === "t" && seen.modern !== "t")) return "only a superuser may: name one as admin, or leave admin out so that the role changes its own password"
  return `ALTER ROLE ${quoteName(admin)} CREATEROLE${seen.modern === "t" ? `; GRANT ${quoteName(role)} TO ${quoteName(admin)} WITH ADMIN OPTION` : ""}`
}

/** Only where we may read the stored form: an md5 hash would turn into SCRAM, and clients that know only md5 would be locked out. */
async function hashFindings(role: string, seen: Seen, connection: Connection): Promise<readonly Finding[]> {
  if (seen.reads !== "t") return []
  const [row] = await connection.rows(["md5"], `SELECT rolpassword LIKE 'md5%' FROM pg_authid WHERE rolname = ${quoteText(role)}`)
  if (row?.md5 !== "t") return []
  return [problem("md5-role", `role ${role} has an md5 password: a rotation would turn it into SCRAM, which an old client may not speak`, `when every client speaks SCRAM: SET password_encryption = 'scram-sha-256', and give role ${role} its password again`)]
}

function problem(code: string, says: string, remedy?: string): Finding {
  return { code, severity: "error", says, ...(remedy === undefined ? {} : { remedy }) }
}
