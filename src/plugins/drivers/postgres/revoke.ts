import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import { roleOf } from "./candidate.ts"
import { refuseWhileUsed } from "./in-use.ts"
import type { Place } from "./place.ts"
import { probe } from "./probe.ts"
import { quoteName } from "./quote.ts"
import { waitForReplay } from "./replay.ts"
import { lockRoles } from "./server-lock.ts"
import { inSession, rolesChanged } from "./session.ts"
import { acceptedAt, endOlderSessions } from "./sessions.ts"

type Ask = { readonly endSessions: boolean }

/** Takes `old` away. On the role that is live nothing is left to do: its password was overwritten. */
export async function revoke(
  place: Place,
  old: Credential,
  live: Credential,
  { endSessions }: Ask,
  signal: AbortSignal,
): Promise<{ readonly sessionsEnded: number }> {
  const [role, liveRole] = [roleOf(place, old), roleOf(place, live)]
  if (role !== liveRole) {
    await refuseWithoutLive(place, live, signal)
    await refuseWhileUsed(place, old, live, signal)
    await takeAway(place, role, old, signal)
    // None is known to be older, and none is left: each of them would have kept the password.
    if (acceptedAt(live) === undefined) return { sessionsEnded: 0 }
  }
  return { sessionsEnded: endSessions ? await endOlderSessions(place, role, live, signal) : 0 }
}

/** Nobody is locked out for good: a password is taken away only while the other role's is accepted. Somebody may have changed it, or a backup was put back. */
async function refuseWithoutLive(
  place: Place,
  live: Credential,
  signal: AbortSignal,
): Promise<void> {
  const answer = await probe(place, live, signal)
  if (answer === "accepted") return
  throw new AppError(
    "pair-live-missing",
    `the login of role ${roleOf(place, live)} is ${answer === "refused" ? "refused" : "not clearly accepted"}, so the older one stays`,
    {
      remedy: "retry",
      hint: "somebody else may have changed it: set it back, or mycelium reconcile",
    },
  )
}

/** Without a password every login is refused as a wrong one is: 28P01. NOLOGIN would answer the right and the wrong one differently. */
async function takeAway(
  place: Place,
  role: string,
  old: Credential,
  signal: AbortSignal,
): Promise<void> {
  await inSession(place, [old], signal, async (connection) => {
    await lockRoles(connection, new Set([role, ...place.roles]))
    await connection.rows([], `ALTER ROLE ${quoteName(role)} PASSWORD NULL`)
    await waitForReplay(place, connection, [old], signal)
  }).finally(() => rolesChanged(place, [role]))
}
