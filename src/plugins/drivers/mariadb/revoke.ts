import { AppError } from "../../../base/error.ts"
import { driftRemedy } from "../../../core/drift.ts"
import type { Credential } from "../../../core/ports.ts"
import { hashOf, readUsable, writeHashes } from "./account.ts"
import type { Place } from "./place.ts"
import { changing } from "./session.ts"
import { endOlderSessions } from "./sessions.ts"

/**
 * Takes `old` away, the last password that works never; then ends older sessions. Where it is gone
 * already, nothing changes.
 */
export function revoke(
  place: Place,
  old: Credential,
  live: Credential,
  endSessions: boolean,
  signal: AbortSignal,
): Promise<{ readonly sessionsEnded: number }> {
  const [dead, stays] = [hashOf(old), hashOf(live)]
  return changing(place, signal, async (connection) => {
    const { hashes } = await readUsable(connection, place.account)
    if (!hashes.includes(stays)) {
      throw new AppError(
        "mariadb-live-missing",
        `${connection.says}: the account does not hold its present password, so the older one stays`,
        { hint: driftRemedy(place.reach.label) },
      )
    }
    // The same password under two versions lives as long as either.
    if (dead !== stays && hashes.includes(dead))
      await writeHashes(
        place,
        connection,
        hashes.filter((hash) => hash !== dead),
      )
    return {
      sessionsEnded: endSessions ? await endOlderSessions(place, connection, live, signal) : 0,
    }
  })
}
