import type { Pair } from "./pair.ts"
import { quoteText } from "./quote.ts"
import type { Connection } from "./wire.ts"

/**
 * What the catalogs say about a pair. All of them are shared by the databases and readable by every
 * role, except the passwords.
 */

export const attributes = [
  "superuser",
  "inherit",
  "createrole",
  "createdb",
  "replication",
  "bypassrls",
] as const
const roleColumns = [
  "name",
  "login",
  "inherits",
  "becomes",
  "connects",
  ...attributes,
  "limit",
  "until",
] as const
/**
 * `inherits` and `becomes`: from and to the owner. `connects`: null where there is no such
 * database.
 */
export type RoleSeen = Readonly<Record<(typeof roleColumns)[number], string | null>>

/** Of ALTER ROLE … SET. `database` is "" where it holds in all. */
export type Setting = {
  readonly role: string
  readonly database: string
  readonly name: string
  readonly value: string
}
/** What a role has of its own, and in which database ("": objects of the whole cluster). */
export type Belonging = {
  readonly role: string
  readonly kind: "owns" | "granted"
  readonly database: string
  readonly count: number
}
export type Membership = { readonly role: string; readonly group: string }

export type PairSeen = {
  /** The two roles and the owner, those that exist. */
  readonly roles: ReadonlyMap<string, RoleSeen>
  readonly settings: readonly Setting[]
  readonly belongings: readonly Belonging[]
  /** In other roles than the owner. */
  readonly memberships: readonly Membership[]
}

export async function lookAtPair(
  pair: Pair,
  database: string,
  connection: Connection,
): Promise<PairSeen> {
  return {
    roles: await roles(pair, database, connection),
    settings: await settings(pair, connection),
    belongings: await belongings(pair, connection),
    memberships: await memberships(pair, connection),
  }
}

/**
 * Whether a role inherits from the owner and may become it: pg_has_role follows inherit_option and
 * set_option of pg_auth_members since 16, before that rolinherit, under which every member may SET
 * ROLE.
 */
async function roles(
  { roles: [first, second], owner }: Pair,
  database: string,
  connection: Connection,
): Promise<PairSeen["roles"]> {
  const found = await connection.rows(
    roleColumns,
    `SELECT r.rolname, r.rolcanlogin, pg_has_role(r.oid, o.oid, 'USAGE'),
     pg_has_role(r.oid, o.oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END), has_database_privilege(r.oid, d.oid, 'CONNECT'),
     r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls, r.rolconnlimit,
     coalesce(to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"Z"'), 'infinity')
     FROM pg_roles r LEFT JOIN pg_roles o ON o.rolname = ${quoteText(owner)} LEFT JOIN pg_database d ON d.datname = ${quoteText(database)}
     WHERE r.rolname IN (${list([first, second, owner])})`,
  )
  return new Map(found.map((role) => [role.name ?? "", role]))
}

async function settings({ roles }: Pair, connection: Connection): Promise<readonly Setting[]> {
  const found = await connection.rows(
    ["role", "database", "name", "value"],
    `SELECT r.rolname, coalesce(d.datname, ''), split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
     FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) setting
     WHERE r.rolname IN (${list(roles)}) ORDER BY 2, 3`,
  )
  return found.map(({ role, database, name, value }) => ({
    role: role ?? "",
    database: database ?? "",
    name: name ?? "",
    value: value ?? "",
  }))
}

/**
 * pg_shdepend: owner ("o"), in an access list ("a"), named by a policy ("r"); of every database.
 */
async function belongings({ roles }: Pair, connection: Connection): Promise<readonly Belonging[]> {
  const found = await connection.rows(
    ["role", "owns", "database", "count"],
    `SELECT r.rolname, s.deptype = 'o', coalesce(d.datname, ''), count(*) FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid LEFT JOIN pg_database d ON d.oid = s.dbid
     WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype IN ('o', 'a', 'r') AND r.rolname IN (${list(roles)}) GROUP BY 1, 2, 3 ORDER BY 1, 2 DESC, 3`,
  )
  return found.map(({ role, owns, database, count }) => ({
    role: role ?? "",
    kind: owns === "t" ? "owns" : "granted",
    database: database ?? "",
    count: Number(count),
  }))
}

async function memberships(
  { roles, owner }: Pair,
  connection: Connection,
): Promise<readonly Membership[]> {
  const found = await connection.rows(
    ["role", "group"],
    `SELECT DISTINCT r.rolname, g.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member JOIN pg_roles g ON g.oid = m.roleid
     WHERE r.rolname IN (${list(roles)}) AND g.rolname <> ${quoteText(owner)} ORDER BY 1, 2`,
  )
  return found.map(({ role, group }) => ({ role: role ?? "", group: group ?? "" }))
}

function list(names: readonly string[]): string {
  return names.map(quoteText).join(", ")
}
