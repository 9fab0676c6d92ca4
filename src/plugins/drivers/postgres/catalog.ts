import { quoteText } from "./quote.ts"
import type { Connection } from "./wire.ts"

/** What one look at the catalogs tells: about the role, the server, and what we may do here. */

const columns = [
  "exists",
  "login",
  "expired",
  "limit",
  "databaseLimited",
  "superuser",
  "replication",
  "self",
  "recovery",
  "readonly",
  "since16",
  "weAreSuperuser",
  "weCreate",
  "weAdminister",
  "weSee",
  "weSignal",
  "weReadHashes",
] as const
export type Seen = Readonly<Record<(typeof columns)[number], string | null>>

/** One session of our own may be in the way of a program's. */
export function hasFewSeats({ limit, databaseLimited }: Seen): boolean {
  return limit !== "-1" || databaseLimited !== "f"
}

/** The view pg_roles and the access privilege inquiry functions (PostgreSQL manual). */
export async function readRole(role: string, connection: Connection): Promise<Seen | undefined> {
  const name = quoteText(role)
  const [seen] = await connection.rows(
    columns,
    `SELECT r.rolname IS NOT NULL, r.rolcanlogin, coalesce(r.rolvaliduntil <= now(), false), r.rolconnlimit,
    EXISTS (SELECT FROM pg_database WHERE datconnlimit >= 0), r.rolsuper, r.rolreplication, r.oid = me.oid,
    pg_is_in_recovery(), current_setting('transaction_read_only'), current_setting('server_version_num')::int >= 160000, me.rolsuper, me.rolcreaterole,
    ${has(name, "MEMBER WITH ADMIN OPTION")}, ${has(name, "USAGE")} OR ${has("'pg_read_all_stats'", "USAGE")},
    ${has(name, "USAGE")} OR ${has("'pg_signal_backend'", "USAGE")}, ${readsHashes} FROM pg_roles me LEFT JOIN pg_roles r ON r.rolname = ${name} WHERE me.rolname = current_user`,
  )
  return seen?.exists === "t" ? seen : undefined
}

/** Only a superuser may read pg_authid, unless it was granted. */
export const readsHashes =
  "has_column_privilege('pg_authid', 'rolpassword', " +
  "'SELECT') AND has_column_privilege('pg_authid', 'rolname', 'SELECT')"

/** False, and no error, where there is no such role: pg_read_all_stats came with version 10. */
function has(role: string, privilege: string): string {
  return (
    `EXISTS (SELECT FROM pg_roles x WHERE x.rolname = ${role} AND pg_has_role(current_user, ` +
    `x.oid, '${privilege}'))`
  )
}
