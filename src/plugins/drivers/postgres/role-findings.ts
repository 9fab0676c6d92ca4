import type { Finding } from "../../../core/ports.ts"
import type { Seen } from "./catalog.ts"
import { problem } from "../server/findings.ts"
import { quoteName, quoteText } from "./quote.ts"
import { whyElsewhere } from "./session.ts"
import type { PostgresTarget } from "./target.ts"
import type { Connection } from "./wire.ts"

/** What keeps a role from logging in with any password, and a server from taking a new one. */

/**
 * `idle`: its turn in a pair is next, and it gets LOGIN with its password: a revoke that ends
 * sessions takes both.
 */
export function roleFindings(
  role: string,
  seen: Seen,
  { idle }: { readonly idle: boolean },
): readonly Finding[] {
  const found: Finding[] = []
  const alter = `ALTER ROLE ${quoteName(role)}`
  if (seen.login !== "t" && !idle)
    found.push({
      ...problem("account-locked", `role ${role} may not log in; ${itself}`, `${alter} LOGIN`),
      yields: true,
      silences: true,
    })
  if (seen.expired === "t") {
    const message =
      `role ${role} has passed its VALID UNTIL: the server refuses even the right password; ` +
      `${itself}`
    found.push({
      ...problem("password-expired", message, `${alter} VALID UNTIL 'infinity'`),
      yields: true,
      silences: true,
    })
  }
  if (seen.limit === "0")
    found.push({
      ...problem(
        "role-no-connections",
        `role ${role} has a connection limit of 0: no program can log in as it, unless it is a superuser`,
        `${alter} CONNECTION LIMIT -1`,
      ),
      yields: true,
    })
  return found
}

export function serverFindings(
  { label: message }: Connection,
  { recovery, readonly }: Seen,
): readonly Finding[] {
  if (recovery === "t")
    return [
      problem(
        "read-only-server",
        `${message}: the server is a standby and takes no changes`,
        "give the address of the primary",
      ),
    ]
  if (readonly !== "on") return []
  return [
    problem(
      "read-only-server",
      `${message}: sessions are read-only there`,
      "default_transaction_read_only is on in the settings of the server itself: see why",
    ),
  ]
}

/**
 * An intruder may have shut the role, so that nothing can be proven by a login; a person may have,
 * so that the leaked value is of no use. The new value ends that use, so the role is opened with it.
 */
const itself = "a containment by an admin ends that, with the new value"

/** The server was asked by way of another database than the one of the config. */
export function databaseFindings(
  { options: { admin }, address, roles }: PostgresTarget,
  connection: Connection,
): readonly Finding[] {
  const why = whyElsewhere(connection)
  if (why === undefined) return []
  if (why.sqlstate === "3D000" && admin?.database === undefined)
    return [{ ...problem("database-missing", why.message, why.hint), yields: true }]
  const database = admin?.database ?? address.database ?? "postgres"
  const name = quoteName(database)
  const opens: Readonly<Record<string, string>> = {
    "42501": `GRANT CONNECT ON DATABASE ${name} TO ${quoteName(admin?.user ?? roles[0] ?? "")}`,
    "53300": `ALTER DATABASE ${name} CONNECTION LIMIT -1`,
    "55000": `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`,
  }
  const reopen =
    "if it is to let this login in: " +
    `${opens[why.sqlstate] ?? `see the rights and the limit of database ${database}`}`
  return [
    {
      code: "database-closed",
      severity: "warning",
      message:
        `${why.message}: database ${database} does not let this login in, ` +
        "so another database was used",
      remedy:
        admin === undefined
          ? reopen
          : `${reopen}; if the admin is to log in elsewhere: admin: { database: postgres }`,
    },
  ]
}

/**
 * Only where we may read the stored form: an md5 hash would turn into SCRAM, and clients that know
 * only md5 would be locked out.
 */
export async function hashFindings(
  role: string,
  seen: Seen,
  connection: Connection,
): Promise<readonly Finding[]> {
  if (seen.weReadHashes !== "t") return []
  const [row] = await connection.rows(
    ["md5"],
    `SELECT rolpassword LIKE 'md5%' FROM pg_authid WHERE rolname = ${quoteText(role)}`,
  )
  if (row?.md5 !== "t") return []
  const message =
    `role ${role} has an md5 password: a rotation would turn it into SCRAM, ` +
    "which an old client may not speak"
  return [
    problem(
      "md5-role",
      message,
      "when every client speaks SCRAM: SET password_encryption = 'scram-sha-256', " +
        `and give role ${role} its password again`,
    ),
  ]
}
