import { AppError } from "../../../base/error.ts"
import type { Host } from "../../../base/system/host.ts"
import type { Credential } from "../../../core/ports.ts"
import { roleOf } from "./candidate.ts"
import { type OpenSession, openSessions, saySessions, showSessions } from "./open-sessions.ts"
import { everywhere, type PostgresTarget } from "./target.ts"
import { probe } from "./probe.ts"
import { inSession } from "./session.ts"
import { acceptedAt, sessionsHidden } from "./sessions.ts"
import { serverClock } from "./server-clock.ts"
import type { Connection } from "./wire.ts"

/**
 * Before a pair's old password is taken away: would that lock a program out?
 *
 * By now every deployment has been restarted and holds the new role. A session of the old role that
 * began after the new one was accepted was therefore opened by a program that no restart has reached:
 * a program in no deployment, one whose restart reads no file, one that is still draining. It will
 * log in again, so the revoke waits. The instant of the last restart would say it more sharply, but
 * the driver does not know it; the difference is what programs opened between the two, and those
 * sessions end with the restart. A session older than that proves only that a program logged in
 * before: it may be a prompt that was forgotten, and waiting for it could keep a leaked password
 * alive for ever. It needs its password no more, lives on, and is ended where `end_sessions` says
 * so. Where the instant is not known (the value was adopted), any session counts.
 *
 * A program that connects for each request is seen only while it is connected. Many looks find a
 * busy one; one that comes by once a minute is not found, and no catalog remembers it.
 */
const watch = { quietMs: 400, mostMs: 2000, everyMs: 20, looksLeast: 10 } as const

export async function refuseWhileUsed(
  target: PostgresTarget,
  old: Credential,
  live: Credential,
  signal: AbortSignal,
): Promise<void> {
  const role = roleOf(target, old)
  const since = acceptedAt(live)
  const found = (
    await Promise.all(everywhere(target).map((server) => users(server, old, since, signal)))
  ).flat()
  // If an earlier try has taken the password away already, this locks no one out.
  if (found.length === 0 || (await probe(target, old, signal)) === "refused") return
  const after = since === undefined ? "" : ` that began after ${roleOf(target, live)} took over`
  throw new AppError(
    "previous-in-use",
    `role ${role} is still in use: ${saySessions(found)}${after}`,
    {
      remedy: "retry",
      hint:
        "restart what runs there so that it reads its new login, or list it under deployments; " +
        "the old password is taken away once they have ended. " +
        `To see them: ${showSessions(role)}`,
    },
  )
}

/**
 * Sessions that keep using the role while we look. A program that has just ended leaves its session
 * for a moment: that is waited for. A session that begins meanwhile has used the old password.
 */
async function users(
  server: PostgresTarget,
  old: Credential,
  since: string | undefined,
  signal: AbortSignal,
): Promise<readonly OpenSession[]> {
  const role = roleOf(server, old)
  return inSession(server, [old], signal, async (connection) => {
    const start = await serverClock(connection)
    const look = async (): Promise<readonly OpenSession[]> => {
      const open = await openSessions(connection, role, since)
      if (open.some(({ younger }) => younger === undefined)) throw sessionsHidden(connection, role)
      return open.filter(({ younger }) => younger === true)
    }
    return untilQuiet(
      server.context.host,
      { look, hasArrived: () => hasArrived(connection, role, start) },
      signal,
    )
  })
}

type Looks<Session> = {
  readonly look: () => Promise<readonly Session[]>
  readonly hasArrived: () => Promise<boolean>
}

/**
 * None once no session was seen for long enough by the clock, and often enough where each look takes
 * its time; else those who stay, or have arrived.
 */
export async function untilQuiet<Session>(
  host: Host,
  { look, hasArrived: arrived }: Looks<Session>,
  signal: AbortSignal,
): Promise<readonly Session[]> {
  const began = host.monotonicMs()
  for (let [since, looks] = [began, 0]; ; ) {
    const found = await look()
    const now = host.monotonicMs()
    if (found.length === 0) looks++
    else {
      if (now - began >= watch.mostMs || (await arrived())) return found
      ;[since, looks] = [now, 0]
    }
    if (looks >= watch.looksLeast && now - since >= watch.quietMs) return []
    await host.pause(watch.everyMs, signal)
  }
}

async function hasArrived(
  connection: Connection,
  role: string,
  start: string | undefined,
): Promise<boolean> {
  return (
    start !== undefined &&
    (await openSessions(connection, role, start)).some(({ younger }) => younger === true)
  )
}
