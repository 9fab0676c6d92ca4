import { AppError } from "../../../base/error.ts"
import { ServerError } from "./server-error.ts"

/**
 * A role, and the owner of a database, may set for every login what ends a session or hinders it
 * (ALTER ROLE, ALTER DATABASE … SET). What a client asks for as it logs in wins over those (manual,
 * pg_settings: source), so an intruder keeps no one from changing the role.
 */

/**
 * Known to every version that we speak to. Time limits are below all our deadlines, so that the
 * server gives up before we do. A search path without a schema in which others may make functions
 * (CVE-2018-1058). No library that is not there. No isolation that a standby does not know.
 */
export const fromTheBeginning = {
  search_path: "pg_catalog, pg_temp",
  statement_timeout: "10000",
  lock_timeout: "5000",
  idle_in_transaction_session_timeout: "0",
  default_transaction_isolation: "read committed",
  default_transaction_deferrable: "off",
  local_preload_libraries: "",
  password_encryption: "scram-sha-256",
  standard_conforming_strings: "on",
  transform_null_equals: "off",
} as const

/** Came later, by version: an older server refuses a login that asks for one. */
const since: readonly (readonly [version: number, name: string])[] = [
  [12, "tcp_user_timeout"],
  [14, "idle_session_timeout"],
  [17, "transaction_timeout"],
]

/** What a server of this version has besides, switched off. */
export function withLater(version: number): Readonly<Record<string, string>> {
  const known = since.filter(([first]) => first <= version).map(([, name]) => [name, "0"])
  return { ...fromTheBeginning, ...Object.fromEntries(known) }
}

/** A limit that came later has ended the session before it could be switched off. */
export function endedTooSoon(error: unknown, version: number): boolean {
  if (version < 12) return false
  if (error instanceof ServerError) return error.sqlstate === "57P05" || error.sqlstate === "25P04"
  return error instanceof AppError && error.code === "unreachable"
}

/**
 * A session may be read-only by what the server's own file says, which a person has decided; what a
 * role or a database says is overruled. A change that the server has confirmed must survive its
 * crash: `synchronous_commit` is raised where it is off, and left alone where it asks for more. A
 * database must not make an admin another role; what is set for the admin's role itself counts.
 */
export const onceLoggedIn = `SELECT set_config('default_transaction_read_only', 'off', false) FROM pg_settings
 WHERE name = 'default_transaction_read_only' AND setting = 'on' AND source IN ('database', 'user', 'database user');
SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('tcp_user_timeout', 'idle_session_timeout', 'transaction_timeout') AND setting <> '0';
SELECT set_config('role', 'none', false) WHERE EXISTS (${roleSetting("s.setrole = 0 AND d.datname = current_database()")})
 AND NOT EXISTS (${roleSetting("s.setrole = (SELECT oid FROM pg_roles WHERE rolname = session_user)")});
SELECT set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'local'), false)`

function roleSetting(whose: string): string {
  return `SELECT FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS one
 WHERE ${whose} AND (s.setdatabase = 0 OR d.datname = current_database()) AND one LIKE 'role=%'`
}
