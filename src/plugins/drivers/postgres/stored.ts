import { AppError } from "../../../base/error.ts"
import type { Fields } from "../../../core/ports.ts"
import { Secret } from "../../../core/secret.ts"
import { readsHashes } from "./catalog.ts"
import type { Place } from "./place.ts"
import { quoteText } from "./quote.ts"
import { inSession } from "./session.ts"

export type Stored = {
  /** What pg_authid holds; null if that is no password; undefined if the admin may not read it, which proves nothing. */
  readonly verifier: string | null | undefined
  readonly sessions: number
}

/** The admin's view of `role`. */
export async function readStored(place: Place, role: string, signal: AbortSignal): Promise<Stored> {
  return inSession(place, [], signal, async (connection) => {
    const name = quoteText(role)
    const [seen] = await connection.rows(
      ["readable", "exists", "sessions"],
      `SELECT ${readsHashes}, EXISTS (SELECT FROM pg_roles WHERE rolname = ${name}),
       (SELECT count(*) FROM pg_stat_activity WHERE usename = ${name})`,
    )
    if (seen?.exists !== "t") throw new AppError("role-missing", `role ${role} does not exist`, { hint: "create it, or correct its name in the config" })
    const sessions = Number(seen.sessions)
    if (seen.readable !== "t") return { verifier: undefined, sessions }
    const [row] = await connection.rows(["verifier"], `SELECT rolpassword FROM pg_authid WHERE rolname = ${name}`)
    return { verifier: row?.verifier ?? null, sessions }
  })
}

/** The present password in a form that can be put back; undefined where it cannot be read or the role has none. */
export async function stored(place: Place, signal: AbortSignal): Promise<Fields | undefined> {
  const { role } = place.options
  const now = await readStored(place, role, signal)
  if (now.sessions > 0) {
    const open = now.sessions === 1 ? "1 session is" : `${now.sessions} sessions are`
    throw new AppError("value-exists", `role ${role} is in use: ${open} open with its present password`, { hint: "adopt that password instead, or end its sessions first" })
  }
  if (now.verifier == null) return undefined
  return { user: role, verifier: new Secret(`${place.reach.label} verifier`, now.verifier) }
}
