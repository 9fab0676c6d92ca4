import { present } from "../../../base/present.ts"
import type { Credential, OthersRevoked } from "../../../core/ports.ts"
import { type Ended, endedOrLeft } from "../server/sessions-left.ts"
import { roleOf } from "./candidate.ts"
import type { PostgresTarget } from "./target.ts"
import { resetNotes } from "./long-settings.ts"
import { preparedNotes } from "./prepared.ts"
import { quoteText } from "./quote.ts"
import { inSession } from "./session.ts"
import { acceptedAt, endOlderSessions, endSessionsOf } from "./sessions.ts"
import { takeAway } from "./take-away.ts"
import { loginsUnderWay } from "./under-way.ts"

/**
 * For containment. Of a pair the role that is not live loses its password, no matter who set it,
 * and all of its sessions: each deployment has been restarted with the other role. What is live was
 * overwritten by `apply`, and loses the sessions that began before, once more when no login by an
 * older value can be under way any more.
 */
export async function revokeOthers(
  target: PostgresTarget,
  live: Credential,
  signal: AbortSignal,
  waitedMs: number,
): Promise<OthersRevoked> {
  const liveRole = roleOf(target, live)
  const others = [
    ...target.roles.filter((role) => role !== liveRole),
    ...(await ownersLogin(target, live, signal)),
  ]
  await takeAway(target, others, { login: live, shuts: true, contain: true }, signal)
  // Asked before the sessions: a login that ends well from here on is seen with them.
  const underWay = await loginsUnderWay(target, live, waitedMs, signal)
  const ended = [await end(liveRole, () => endOlderSessions(target, liveRole, live, signal))]
  for (const role of others)
    ended.push(await end(role, () => endSessionsOf(target, role, [live], signal)))
  const notes = await inSession(target, [live], signal, (connection) =>
    preparedNotes(connection, [liveRole, ...others], acceptedAt(live)),
  )
  const left = ended.find((one) => one.left !== undefined)?.left
  return {
    sessionsEnded: ended.reduce((sum, one) => sum + one.ended, 0),
    notes: [...resetNotes(target), ...notes],
    ...present({ underWay, sessionsLeft: left }),
  }
}

function end(role: string, act: () => Promise<number>): Promise<Ended> {
  return endedOrLeft(
    act,
    "as a superuser: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = " +
      `${quoteText(role)}`,
  )
}

/**
 * An owner that may log in is a third way in: where programs were taken from one role to a pair,
 * its password may be the one that leaked.
 */
async function ownersLogin(
  { pair, ...target }: PostgresTarget,
  live: Credential,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (pair === undefined) return []
  const found = await inSession({ pair, ...target }, [live], signal, (connection) =>
    connection.rows(
      ["name"],
      `SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname = ${quoteText(pair.owner)}`,
    ),
  )
  return found.flatMap(({ name }) => name ?? [])
}
