import { AppError } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"
import type { Credential, UnderWay } from "../../../core/ports.ts"
import { roleOf } from "./candidate.ts"
import { refuseWhileUsed } from "./in-use.ts"
import type { PostgresTarget } from "./target.ts"
import { probe } from "./probe.ts"
import { acceptedAt, endOlderSessions } from "./sessions.ts"
import { takeAway } from "./take-away.ts"
import { loginsUnderWay } from "./under-way.ts"

type Ask = {
  readonly endSessions: boolean
  readonly waitedMs?: number
  readonly signal: AbortSignal
}
type Revoked = { readonly sessionsEnded: number; readonly underWay?: UnderWay }

/**
 * Takes `old` away. On the role that is live nothing is left to do: its password was overwritten.
 */
export async function revoke(
  target: PostgresTarget,
  old: Credential,
  live: Credential,
  { endSessions, waitedMs = 0, signal }: Ask,
): Promise<Revoked> {
  const [role, liveRole] = [roleOf(target, old), roleOf(target, live)]
  if (role !== liveRole) {
    await refuseWithoutLive(target, live, signal)
    await refuseWhileUsed(target, old, live, signal)
    await takeAway(target, [role], { login: old, shuts: endSessions }, signal)
    // None is known to be older, and none is left: each of them would have kept the password.
    if (acceptedAt(live) === undefined) return { sessionsEnded: 0 }
  }
  if (!endSessions) return { sessionsEnded: 0 }
  // Asked first: a login that ends well from here on is seen with the sessions.
  const underWay =
    role === liveRole ? await loginsUnderWay(target, live, waitedMs, signal) : undefined
  const sessionsEnded = await endOlderSessions(target, role, live, signal)
  return { sessionsEnded, ...present({ underWay }) }
}

/**
 * No program is locked out for good: a password is taken away only while the other role's is accepted.
 * It may have been changed, or a backup was put back.
 */
async function refuseWithoutLive(
  target: PostgresTarget,
  live: Credential,
  signal: AbortSignal,
): Promise<void> {
  const answer = await probe(target, live, signal)
  if (answer === "accepted") return
  throw new AppError(
    "live-missing",
    `the login of role ${roleOf(target, live)} is ` +
      `${answer === "refused" ? "refused" : "not clearly accepted"}, so the older one stays`,
    {
      remedy: "retry",
      hint: "another admin may have changed it: set it back, or mycelium reconcile",
    },
  )
}
