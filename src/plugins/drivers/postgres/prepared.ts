import { AppError } from "../../../base/error.ts"
import type { Finding } from "../../../core/ports.ts"
import { isHarmless } from "./open-sessions.ts"
import { quoteText } from "./quote.ts"
import type { SeenRoles } from "./rights.ts"
import type { Connection } from "./wire.ts"

/**
 * A transaction that was prepared (PREPARE TRANSACTION) belongs to no session: it keeps its locks,
 * lives on when all sessions have ended, and may be committed by its owner or a superuser alone, in
 * its database.
 */
type Prepared = Readonly<Record<"gid" | "owner" | "database", string>>

const columns = ["gid", "owner", "database"] as const
const read = "SELECT p.gid, p.owner, p.database FROM pg_prepared_xacts p"
/** A row's lock shows as one on the whole table; of which row, only pg_authid itself tells. */
const hasChangedRoles = `EXISTS (SELECT FROM pg_locks own JOIN pg_locks held USING (virtualtransaction)
    WHERE own.transactionid = p.transaction AND own.mode = 'ExclusiveLock' AND own.pid IS NULL AND held.pid IS NULL
    AND held.relation = 'pg_catalog.pg_authid'::regclass AND held.mode = 'RowExclusiveLock')`

/** Before a role is changed: what would keep it from that. */
export async function preparedFindings(
  roles: SeenRoles,
  connection: Connection,
): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for (const [role, { weReadHashes }] of roles) {
    const [one] = await holders(connection, weReadHashes === "t" ? role : undefined)
    if (one === undefined) continue
    found.push(
      weReadHashes === "t"
        ? { severity: "error", ...held(one, `role ${role}, which cannot be changed until it ends`) }
        : {
            severity: "warning",
            ...held(one, `a role: if that is ${role}, it cannot be changed until it ends`),
          },
    )
  }
  return found
}

/** The role could not be changed, and no session is what holds it. */
export async function heldByPrepared(
  connection: Connection,
  role: string,
): Promise<AppError | undefined> {
  const [one] = await holders(connection, undefined)
  if (one === undefined) return undefined
  const { code, message, remedy } = held(one, `a role, so role ${role} cannot be changed`)
  return new AppError(code, `${connection.label}: ${message}`, { remedy: "retry", hint: remedy })
}

/**
 * What an intruder may have left: transactions of these roles that were prepared before `since`.
 */
export async function preparedNotes(
  connection: Connection,
  roles: readonly string[],
  since: string | undefined,
): Promise<readonly string[]> {
  const notes: string[] = []
  for (const role of roles) {
    const before = since === undefined ? "" : ` AND p.prepared < ${quoteText(since)}::timestamptz`
    const [first, ...more] = await rows(
      connection,
      `${read} WHERE p.owner = ${quoteText(role)}${before} ORDER BY p.prepared`,
    )
    if (first === undefined) continue
    const [count, live, their, end] =
      more.length === 0
        ? ["1 transaction", "lives", "its", "it"]
        : [`${more.length + 1} transactions`, "live", "their", "them"]
    const named = more.length === 0 ? sayPlace(first) : `the oldest ${sayPlace(first)}`
    notes.push(
      `${count} that role ${role} prepared before ${live} on, with ${their} locks: ` +
        `${named}; ROLLBACK PREPARED there ends ${end}, as ${role} or a superuser`,
    )
  }
  return notes
}

/** Those that have changed `role`, or where that cannot be known any role. */
function holders(connection: Connection, role: string | undefined): Promise<readonly Prepared[]> {
  const ours =
    role === undefined
      ? ""
      : ` AND p.transaction = (SELECT xmax FROM pg_authid WHERE rolname = ${quoteText(role)})`
  return rows(connection, `${read} WHERE ${hasChangedRoles}${ours} ORDER BY p.prepared LIMIT 1`)
}

async function rows(connection: Connection, sql: string): Promise<readonly Prepared[]> {
  const found = await connection.rows(columns, sql)
  return found.map(({ gid, owner, database }) => ({
    gid: gid ?? "",
    owner: owner ?? "",
    database: database ?? "",
  }))
}

function held(
  { owner, ...one }: Prepared,
  what: string,
): { readonly code: string; readonly message: string; readonly remedy: string } {
  const name = nameOf(one.gid)
  return {
    code: "role-held-prepared",
    message:
      `prepared transaction ${name === undefined ? "" : `${name} `}of ${owner} in database ` +
      `${one.database} has changed ${what}`,
    remedy:
      `in database ${one.database}, as ${owner} or a superuser: ` +
      `ROLLBACK PREPARED ${name ?? "its name, which pg_prepared_xacts shows"}`,
  }
}

function sayPlace({ gid, database }: Prepared): string {
  const name = nameOf(gid)
  return name === undefined
    ? `in database ${database}, where pg_prepared_xacts names it`
    : `${name} in database ${database}`
}

/** Its client chose it, so it may hold anything. */
function nameOf(gid: string): string | undefined {
  return isHarmless(gid) ? `'${gid}'` : undefined
}
