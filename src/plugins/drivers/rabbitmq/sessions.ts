import { z } from "zod"
import { present } from "../../../base/present.ts"
import { AppError } from "../../../base/error.ts"
import type { Credential, UnderWay } from "../../../core/ports.ts"
import { askApi, read } from "./api.ts"
import type { RabbitmqTarget } from "./target.ts"

/** The connections of the user, of whatever protocol, as they are now. */
export async function sessionsOf(
  target: RabbitmqTarget,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const path = `/api/connections/username/${encodeURIComponent(target.options.user)}`
  const answer = await askApi(target, { method: "GET", path }, signal)
  if (answer.status === 404) return []
  return read(z.array(z.object({ name: z.string() })), answer).map(({ name }) => name)
}

/** One that has just ended may show by a part of it. */
const Dated = z.array(
  z.object({ name: z.string().optional(), connected_at: z.number().optional() }),
)

/**
 * Since when connections are open, by the server's clock in milliseconds. This comes from its
 * statistics, where a connection shows some seconds late (collect_statistics_interval).
 */
async function datesOf(
  target: RabbitmqTarget,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const path = "/api/connections?columns=name,connected_at"
  const rows = read(Dated, await askApi(target, { method: "GET", path }, signal))
  return new Map(
    rows.flatMap(({ name, connected_at }) =>
      name === undefined || connected_at === undefined ? [] : [[name, connected_at]],
    ),
  )
}

/** The API's clock says whole seconds, and may say the one before: what began in two seconds is in doubt. */
type Doubtful = "spare" | "end"
const doubtMs = 2000
/** How long a connection's date is waited for: thrice what the server takes by itself. */
const undatedMs = 15_000

/**
 * Ends the connections that are older than `live`, and looks again until none is left. The server
 * does not say by which password one began.
 */
export async function endOlderSessions(
  target: RabbitmqTarget,
  live: Credential,
  doubtful: Doubtful,
  signal: AbortSignal,
): Promise<number> {
  const { host } = target.context
  const accepted = Date.parse(live.acceptedAt ?? "")
  const limit = doubtful === "spare" ? accepted : accepted + doubtMs
  const ended = new Set<string>()
  const began = host.monotonicMs()
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, 250)) {
    const open = await sessionsOf(target, signal)
    if (open.length === 0) return ended.size
    if (Number.isNaN(limit)) throw undated(target)
    const dates = await datesOf(target, signal)
    const unknown = open.filter((name) => !dates.has(name))
    const older = open.filter((name) => (dates.get(name) ?? limit) < limit)
    if (unknown.length + older.length === 0) return ended.size
    if (older.length === 0 && host.monotonicMs() - began > undatedMs) throw undated(target)
    for (const name of older) {
      await end(target, name, signal)
      ended.add(name)
    }
    await host.pause(waitMs, signal)
  }
}

/** Of a user who can log in no more: whatever is open, and once more when no login can come after. */
export async function endEverySession(
  target: RabbitmqTarget,
  waitedMs: number,
  signal: AbortSignal,
): Promise<{ readonly sessionsEnded: number; readonly underWay?: UnderWay }> {
  const ended = new Set<string>()
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, 250)) {
    const open = await sessionsOf(target, signal)
    if (open.length === 0)
      return { sessionsEnded: ended.size, ...present({ underWay: loginsUnderWay(waitedMs) }) }
    for (const name of open) {
      await end(target, name, signal)
      ended.add(name)
    }
    await target.context.host.pause(waitMs, signal)
  }
}

/** One that has ended by itself is not found. */
async function end(target: RabbitmqTarget, name: string, signal: AbortSignal): Promise<void> {
  const path = `/api/connections/${encodeURIComponent(name)}`
  await askApi(target, { method: "DELETE", path }, signal)
}

/**
 * A program that has had its password accepted may take so long (handshake_timeout, and a moment)
 * before it opens a virtual host, and shows as a connection from then on only.
 */
const handshakeMs = 11_000

/** Undefined once no login that an older password let in can become a connection any more. */
export function loginsUnderWay(waitedMs: number): UnderWay | undefined {
  return waitedMs >= handshakeMs ? undefined : { inMs: handshakeMs - waitedMs, mostMs: handshakeMs }
}

function undated({ options: { user } }: RabbitmqTarget): AppError {
  return new AppError(
    "sessions-undated",
    `it is not known since when user ${user} has its present password, ` +
      "or since when its sessions are open, so which are older is not known either",
    {
      hint:
        `its old password is gone; rabbitmqctl close_all_user_connections ${user} REASON ends ` +
        "all of its sessions",
    },
  )
}
