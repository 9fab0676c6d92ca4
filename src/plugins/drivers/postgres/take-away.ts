import type { Credential } from "../../../core/ports.ts"
import { alterRole, settledMs } from "./contend.ts"
import type { PostgresTarget } from "./target.ts"
import { waitForReplay } from "./replay.ts"
import { lockRoles } from "./server-lock.ts"
import { inSession, rolesChanged } from "./session.ts"

type How = {
  readonly login: Credential
  /** Sessions are to end: so a login that began with the old password must not end well either. */
  readonly shuts: boolean
  readonly contain?: boolean
}

/**
 * Without a password every login is refused as a wrong one is: 28P01. NOLOGIN alone would answer
 * the right and the wrong one differently; with it, a login that was under way is kept out at its
 * last step. `apply` gives LOGIN back with the next password.
 */
export async function takeAway(
  target: PostgresTarget,
  roles: readonly string[],
  { login, shuts, contain = false }: How,
  signal: AbortSignal,
): Promise<void> {
  if (roles.length === 0) return
  await inSession(target, [login], signal, async (connection) => {
    const locked = new Set([...roles, ...target.roles])
    await lockRoles(connection, locked, { target, signal, ends: contain })
    for (const role of roles)
      await alterRole(
        { target, connection, role, signal, contain },
        `${shuts ? "NOLOGIN " : ""}PASSWORD NULL`,
      )
    await waitForReplay(target, connection, [login], signal)
    // One that has just got in shows in pg_stat_activity now.
    if (shuts) await target.context.host.pause(settledMs, signal)
  }).finally(() => rolesChanged(target, roles))
}
