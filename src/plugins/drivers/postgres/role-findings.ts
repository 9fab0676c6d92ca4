import type { Finding } from "../../../core/ports.ts"
import type { Seen } from "./catalog.ts"
import { problem } from "../server/findings.ts"
import { quoteName, quoteText } from "./quote.ts"
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
    found.push(problem("account-locked", `role ${role} may not log in`, `${alter} LOGIN`))
  if (seen.expired === "t") {
    const message = `role ${role} has passed its VALID UNTIL: the server refuses even the right password`
    found.push(problem("password-expired", message, `${alter} VALID UNTIL 'infinity'`))
  }
  if (seen.limit === "0")
    found.push(
      problem(
        "role-no-connections",
        `role ${role} has a connection limit of 0`,
        `${alter} CONNECTION LIMIT -1`,
      ),
    )
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
      "default_transaction_read_only is on for the server, the database or the role",
    ),
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
  const message = `role ${role} has an md5 password: a rotation would turn it into SCRAM, which an old client may not speak`
  return [
    problem(
      "md5-role",
      message,
      `when every client speaks SCRAM: SET password_encryption = 'scram-sha-256', and give role ${role} its password again`,
    ),
  ]
}
