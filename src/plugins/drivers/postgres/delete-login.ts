import type { Credential, Forgotten } from "../../../core/ports.ts"
import { roleOf } from "./candidate.ts"
import type { PostgresTarget } from "./target.ts"
import { quoteName } from "./quote.ts"
import { waitForReplay } from "./replay.ts"
import { isMissingRole } from "./server-error.ts"
import { lockRoles } from "./server-lock.ts"
import { serverClock } from "./server-clock.ts"
import { inSession, rolesChanged } from "./session.ts"
import { endSessionsOf } from "./sessions.ts"
import { loginsAt } from "./under-way.ts"
import type { Connection } from "./wire.ts"

/**
 * Takes away the password of every role of this secret, on the standbys too. From then on each
 * login is refused like one with a wrong password, once no earlier login is under way.
 */
export async function deleteLogin(
  target: PostgresTarget,
  candidates: readonly Credential[],
  signal: AbortSignal,
  waitedMs: number,
): Promise<Forgotten> {
  const roles = rolesOf(target, candidates)
  const since = await inSession(target, [], signal, async (connection) => {
    await lockRoles(connection, roles, { target, signal })
    for (const role of roles) await takeAway(connection, role)
    await waitForReplay(target, connection, [], signal)
    return serverClock(connection, waitedMs)
  }).finally(() => rolesChanged(target, roles))
  const underWay = await loginsAt(target, { since, logins: [], waitedMs }, signal)
  return underWay === undefined ? {} : { underWay }
}

/** By the admin: none of these roles can log in any more. */
export async function endSessions(
  target: PostgresTarget,
  candidates: readonly Credential[],
  signal: AbortSignal,
): Promise<{ readonly sessionsEnded: number }> {
  let sessionsEnded = 0
  for (const role of rolesOf(target, candidates))
    sessionsEnded += await endSessionsOf(target, role, [], signal)
  return { sessionsEnded }
}

function rolesOf(target: PostgresTarget, candidates: readonly Credential[]): ReadonlySet<string> {
  return new Set([...target.roles, ...candidates.map((one) => roleOf(target, one))])
}

/** A role that is gone has no password. */
async function takeAway(connection: Connection, role: string): Promise<void> {
  await connection
    .rows([], `ALTER ROLE ${quoteName(role)} PASSWORD NULL`)
    .catch((error: unknown) => {
      if (!isMissingRole(error)) throw error
    })
}
