import { AppError } from "../../../base/error.ts"
import type { Finding, Versions } from "../../../core/ports.ts"
import { roleOf } from "./candidate.ts"
import { lookAt, type Seen } from "./catalog.ts"
import type { Place } from "./place.ts"
import { quoteName, quoteText } from "./quote.ts"
import { rightFindings } from "./rights.ts"
import { inSession } from "./session.ts"
import type { Connection } from "./wire.ts"

/** What a rotation would fail on, seen before any value exists. Changes nothing. */
export async function preflight(place: Place, { current }: Versions, signal: AbortSignal): Promise<readonly Finding[]> {
  const { role } = place.options
  if (current !== undefined && roleOf(place, current) !== role) {
    return [problem("role-differs", `the current version belongs to another role than ${role}`, "adopt the password of this role, or put the former role back")]
  }
  try {
    return await inSession(place, current === undefined ? [] : [current], signal, (connection) => examine(place, connection))
  } catch (error) {
    // What may pass by itself is not a finding: nobody knows.
    if (!(error instanceof AppError) || error.remedy === "retry") throw error
    return [problem(error.code, error.message, error.hint)]
  }
}

async function examine(place: Place, connection: Connection): Promise<readonly Finding[]> {
  const { role } = place.options
  const seen = await lookAt(role, connection)
  if (seen === undefined) return [problem("role-missing", `role ${role} does not exist`, "create it, or correct its name in the config")]
  return [
    ...loginFindings(place, connection),
    ...roleFindings(role, seen),
    ...serverFindings(connection, seen),
    ...rightFindings(place.options, seen),
    ...(await hashFindings(role, seen, connection)),
  ]
}

/** trust, peer or a certificate: whoever gets in that way has shown no password. */
function loginFindings({ options: { admin, role } }: Place, { asked }: Connection): readonly Finding[] {
  if (asked !== "nothing") return []
  if (admin !== undefined) return [{ code: "admin-not-asked", severity: "info", says: `the server lets ${admin.user} in without asking for a password` }]
  const says = `the server lets role ${role} in without asking for a password: a rotation would protect nothing`
  return [problem("password-not-asked", says, "use scram-sha-256 in pg_hba.conf")]
}

function roleFindings(role: string, seen: Seen): readonly Finding[] {
  const found: Finding[] = []
  const alter = `ALTER ROLE ${quoteName(role)}`
  if (seen.login !== "t") found.push(problem("role-nologin", `role ${role} may not log in`, `${alter} LOGIN`))
  if (seen.expired === "t") {
    const says = `role ${role} has passed its VALID UNTIL: the server refuses even the right password`
    found.push(problem("role-expired", says, `${alter} VALID UNTIL 'infinity'`))
  }
  if (seen.limit === "0") found.push(problem("role-no-connections", `role ${role} has a connection limit of 0`, `${alter} CONNECTION LIMIT -1`))
  return found
}

function serverFindings({ says }: Connection, { recovery, readonly }: Seen): readonly Finding[] {
  if (recovery === "t") return [problem("server-in-recovery", `${says}: the server is a standby and takes no changes`, "give the address of the primary")]
  if (readonly !== "on") return []
  return [problem("read-only-server", `${says}: sessions are read-only there`, "default_transaction_read_only is on for the server, the database or the role")]
}

/** Only where we may read the stored form: an md5 hash would turn into SCRAM, and clients that know only md5 would be locked out. */
async function hashFindings(role: string, seen: Seen, connection: Connection): Promise<readonly Finding[]> {
  if (seen.weReadHashes !== "t") return []
  const [row] = await connection.rows(["md5"], `SELECT rolpassword LIKE 'md5%' FROM pg_authid WHERE rolname = ${quoteText(role)}`)
  if (row?.md5 !== "t") return []
  const says = `role ${role} has an md5 password: a rotation would turn it into SCRAM, which an old client may not speak`
  return [problem("md5-role", says, `when every client speaks SCRAM: SET password_encryption = 'scram-sha-256', and give role ${role} its password again`)]
}

function problem(code: string, says: string, remedy?: string): Finding {
  return { code, severity: "error", says, ...(remedy === undefined ? {} : { remedy }) }
}
