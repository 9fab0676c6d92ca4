import { AppError } from "../../../base/error.ts"
import { quoteName } from "./quote.ts"
import type { Connection } from "./wire.ts"

/**
 * A login of a pair is worth something only if it ends up as the owner: where SET ROLE is not
 * permitted the server lets the session in with a warning, as the role itself, and what it makes
 * belongs to one half of the pair.
 */
export async function checkIdentity(
  connection: Connection,
  role: string,
  owner: string,
): Promise<void> {
  // Both are key words of the grammar: no schema of others can put a function in their place.
  const [now] = await connection.rows(["session", "current"], "SELECT session_user, current_user")
  if (now?.session === role && now.current === owner) return
  throw new AppError(
    "pair-identity",
    `${connection.label}: the login works, but the session does not become ${owner}`,
    {
      hint: `ALTER ROLE ${quoteName(role)} SET role = ${quoteName(owner)}; and ${role} needs SET on ${owner}`,
    },
  )
}
