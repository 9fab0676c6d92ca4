import { z } from "zod"
import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import { askApi, read } from "./api.ts"
import type { RabbitmqTarget } from "./target.ts"

/** A connection, by the server's clock in milliseconds; one that has just ended may show by its name alone. */
const Connections = z.array(
  z.object({
    name: z.string().optional(),
    user: z.string().optional(),
    connected_at: z.number().optional(),
  }),
)
type Session = { readonly name: string; readonly since: number | undefined }

/** Those of the user, of whatever protocol. */
export async function sessionsOf(
  target: RabbitmqTarget,
  signal: AbortSignal,
): Promise<readonly Session[]> {
  const path = "/api/connections?columns=name,user,connected_at"
  const rows = read(Connections, await askApi(target, { method: "GET", path }, signal))
  return rows.flatMap(({ name, user, connected_at }) =>
    name !== undefined && user === target.options.user ? [{ name, since: connected_at }] : [],
  )
}

/** The API's clock says whole seconds, and may say the one before: what began in two seconds is in doubt. */
type Doubtful = "spare" | "end"
const doubtMs = 2000

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
  const accepted = Date.parse(live.acceptedAt ?? "")
  const limit = doubtful === "spare" ? accepted : accepted + doubtMs
  const ended = new Set<string>()
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, 250)) {
    const open = await sessionsOf(target, signal)
    if (open.some(({ since }) => since === undefined) || (open.length > 0 && Number.isNaN(limit)))
      throw undated(target)
    const older = open.filter(({ since = 0 }) => since < limit)
    if (older.length === 0) return ended.size
    for (const { name } of older) {
      const path = `/api/connections/${encodeURIComponent(name)}`
      await askApi(target, { method: "DELETE", path }, signal)
      ended.add(name)
    }
    await target.context.host.pause(waitMs, signal)
  }
}

function undated({ options: { user } }: RabbitmqTarget): AppError {
  return new AppError(
    "sessions-undated",
    `it is not known since when user ${user} has its present password, or since when its sessions are open, so which are older is not known either`,
    {
      hint: `its old password is gone; rabbitmqctl close_all_user_connections ${user} REASON ends all of its sessions`,
    },
  )
}
