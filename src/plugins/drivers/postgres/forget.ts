import type { Credential } from "../../../core/ports.ts"
import { roleOf } from "./candidate.ts"
import type { Place } from "./place.ts"
import { quoteName } from "./quote.ts"
import { waitForReplay } from "./replay.ts"
import { isMissingRole } from "./server-error.ts"
import { lockRoles } from "./server-lock.ts"
import { inSession, rolesChanged } from "./session.ts"
import type { Connection } from "./wire.ts"

/**
 * Takes the password of every role away that is this secret's, on the standbys too: each login is
 * refused then as a wrong one is.
 */
export async function forget(
  place: Place,
  known: readonly Credential[],
  signal: AbortSignal,
): Promise<void> {
  const roles = new Set([...place.roles, ...known.map((one) => roleOf(place, one))])
  await inSession(place, [], signal, async (connection) => {
    await lockRoles(connection, roles, { place, signal })
    for (const role of roles) await takeAway(connection, role)
    await waitForReplay(place, connection, [], signal)
  }).finally(() => rolesChanged(place, roles))
}

/** A role that is gone has no password. */
async function takeAway(connection: Connection, role: string): Promise<void> {
  await connection
    .rows([], `ALTER ROLE ${quoteName(role)} PASSWORD NULL`)
    .catch((error: unknown) => {
      if (!isMissingRole(error)) throw error
    })
}
