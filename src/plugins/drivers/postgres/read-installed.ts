import { AppError } from "../../../base/error.ts"
import type { Fields } from "../../../core/ports.ts"
import { Secret } from "../../../core/secret.ts"
import { readsHashes } from "./catalog.ts"
import type { PostgresTarget } from "./target.ts"
import { quoteName, quoteText } from "./quote.ts"
import { inSession } from "./session.ts"

export type Stored = {
  /**
   * What pg_authid holds; null if that is no password; undefined if the admin may not read it,
   * which proves nothing.
   */
  readonly verifier: string | null | undefined
  readonly sessions: number
}

/** The admin's view of `role`. */
export async function readStored(
  target: PostgresTarget,
  role: string,
  signal: AbortSignal,
): Promise<Stored> {
  return inSession(target, [], signal, async (connection) => {
    const name = quoteText(role)
    const [seen] = await connection.rows(
      ["readable", "exists", "sessions"],
      `SELECT ${readsHashes}, EXISTS (SELECT FROM pg_roles WHERE rolname = ${name}),
       (SELECT count(*) FROM pg_stat_activity WHERE usename = ${name})`,
    )
    if (seen?.exists !== "t")
      throw new AppError("account-missing", `role ${role} does not exist`, {
        hint: "create it, or correct its name in the config",
      })
    const sessions = Number(seen.sessions)
    if (seen.readable !== "t") return { verifier: undefined, sessions }
    const [row] = await connection.rows(
      ["verifier"],
      `SELECT rolpassword FROM pg_authid WHERE rolname = ${name}`,
    )
    return { verifier: row?.verifier ?? null, sessions }
  })
}

/**
 * The present password in a form that can be put back; undefined where it cannot be read or the
 * role has none. A pair's first value goes to its first role; the second must not hold a password
 * that we do not know.
 */
export async function readInstalled(
  target: PostgresTarget,
  signal: AbortSignal,
): Promise<Fields | undefined> {
  const [role = "", second] = target.roles
  const now = await readStored(target, role, signal)
  refuseInUse(role, now)
  if (second !== undefined) refuseSecond(second, await readStored(target, second, signal))
  if (now.verifier == null) return undefined
  return { user: role, verifier: new Secret(`${target.context.label} verifier`, now.verifier) }
}

function refuseInUse(role: string, { sessions }: Stored): void {
  if (sessions === 0) return
  const open = sessions === 1 ? "1 session is" : `${sessions} sessions are`
  throw new AppError(
    "value-exists",
    `role ${role} is in use: ${open} open with its present password`,
    { hint: "adopt that password instead, or end its sessions first" },
  )
}

function refuseSecond(role: string, now: Stored): void {
  refuseInUse(role, now)
  if (now.verifier == null) return
  const hint =
    `adopt it (name ${role} first under roles), or, if no program uses it: ` +
    `ALTER ROLE ${quoteName(role)} PASSWORD NULL`
  throw new AppError(
    "value-exists",
    `role ${role} has a password already, and the pair's first value would leave it alive`,
    { hint },
  )
}
