import { shownName } from "../../../base/text/shown-name.ts"
import { alterRole, type Change } from "./contend.ts"
import { quoteName, quoteText } from "./quote.ts"
import { ServerError } from "./server-error.ts"
import type { PostgresTarget } from "./target.ts"

/**
 * A role may give itself a setting that takes minutes to check in each login (a list of millions of
 * names): no value of it could be proven in time. What a person has set is never as long as that.
 */

/** Characters; as many names in a list are checked within a tenth of a second. */
const longest = 65_536
/** What is stored in fewer bytes, compressed, is not as long as that. */
const storedLeast = 256

type Long = { readonly database: string; readonly owner: string; readonly name: string }

const reset = new WeakMap<PostgresTarget, Set<string>>()

/**
 * In a containment by an admin: drops these settings of the role, and of databases where the admin
 * may. False if there was none.
 */
export async function resetLong(change: Change): Promise<boolean> {
  let found = false
  for (const one of await longOf(change)) {
    const clause = `RESET ${one.name.split(".").map(quoteName).join(".")}`
    const inDatabase = `IN DATABASE ${quoteName(one.database)} `
    if (one.owner === "role")
      await alterRole(change, `${one.database === "" ? "" : inDatabase}${clause}`)
    else if (!(await mayReset(change, one, clause))) continue
    const { target } = change
    reset.set(target, (reset.get(target) ?? new Set()).add(sayLong(change.role, one)))
    found = true
  }
  return found
}

/** For the report of a containment. */
export function resetNotes(target: PostgresTarget): readonly string[] {
  return [...(reset.get(target) ?? [])].map(
    (setting) =>
      `${setting} was reset: it was longer than ${longest} characters, and held up each login`,
  )
}

async function longOf({ connection, role }: Change): Promise<readonly Long[]> {
  const found = await connection.rows(
    ["database", "owner", "name"],
    `SELECT coalesce(d.datname, ''), CASE WHEN s.setrole = 0 THEN 'all' ELSE 'role' END, split_part(left(one, 200), '=', 1)
     FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) one
     WHERE s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = ${quoteText(role)}))
     AND pg_column_size(s.setconfig) > ${storedLeast} AND length(one) > ${longest}`,
  )
  return found.map(({ database, owner, name }) => ({
    database: database ?? "",
    owner: owner ?? "",
    name: name ?? "",
  }))
}

/** Of a database only its owner, or a superuser, may. */
async function mayReset({ connection }: Change, one: Long, clause: string): Promise<boolean> {
  const whose = one.database === "" ? "ALTER ROLE ALL" : `ALTER DATABASE ${quoteName(one.database)}`
  try {
    await connection.rows([], `${whose} ${clause}`)
    return true
  } catch (error) {
    if (!(error instanceof ServerError) || error.sqlstate !== "42501") throw error
    return false
  }
}

function sayLong(role: string, { database, owner, name }: Long): string {
  const whose = owner === "role" ? ` of role ${role}` : ""
  return `the setting ${shownName(name)}${whose}${database === "" ? "" : ` in database ${database}`}`
}
