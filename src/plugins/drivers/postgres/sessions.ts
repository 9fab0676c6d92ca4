import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import { roleOf } from "./candidate.ts"
import { ofPrograms } from "./open-sessions.ts"
import { everywhere, type PostgresTarget } from "./target.ts"
import { quoteName, quoteText } from "./quote.ts"
import { ServerError } from "./server-error.ts"
import { inSession } from "./session.ts"
import type { Connection } from "./wire.ts"

/**
 * Ends the sessions of `role` that are older than the present value, by the server's clock, on the
 * standbys too. Their number.
 */
export async function endOlderSessions(
  target: PostgresTarget,
  role: string,
  live: Credential,
  signal: AbortSignal,
): Promise<number> {
  const since = acceptedAt(live)
  if (since === undefined) {
    throw new AppError(
      "sessions-undated",
      `it is not known since when role ${roleOf(target, live)} has its present password, ` +
        "so which sessions are older is not known either",
    )
  }
  return endEverywhere(target, { role, since }, [live], signal)
}

/**
 * Ends all sessions of a role that no program should use any more, on the standbys too. Their
 * number.
 */
export async function endSessionsOf(
  target: PostgresTarget,
  role: string,
  logins: readonly Credential[],
  signal: AbortSignal,
): Promise<number> {
  return endEverywhere(target, { role }, logins, signal)
}

async function endEverywhere(
  target: PostgresTarget,
  which: { readonly role: string; readonly since?: string },
  logins: readonly Credential[],
  signal: AbortSignal,
): Promise<number> {
  const ended = everywhere(target).map((server) =>
    inSession(server, logins, signal, async (connection) => {
      const theirs = `usename = ${quoteText(which.role)}`
      const [hidden] = await connection.rows(
        ["count"],
        `SELECT count(*) FROM pg_stat_activity WHERE ${theirs} AND backend_start IS NULL`,
      )
      if (hidden?.count !== "0") throw sessionsHidden(connection, which.role)
      const older =
        which.since === undefined
          ? ""
          : ` AND backend_start < ${quoteText(which.since)}::timestamptz`
      return endAll(server, connection, `${theirs} AND ${ofPrograms}${older}`, signal).catch(
        (error: unknown) => Promise.reject(asOutOfReach(target, which.role, error)),
      )
    }),
  )
  return (await Promise.all(ended)).reduce((sum, count) => sum + count, 0)
}

/** When the server took this value, by its own clock, if that is known. */
export function acceptedAt({ acceptedAt: at }: Credential): string | undefined {
  return at === undefined || Number.isNaN(Date.parse(at)) ? undefined : at
}

function asOutOfReach(
  { options: { admin } }: PostgresTarget,
  role: string,
  error: unknown,
): unknown {
  if (!(error instanceof ServerError) || error.sqlstate !== "42501") return error
  const who = admin?.user ?? role
  return new AppError(
    "sessions-out-of-reach",
    `${who} may not end the sessions of role ${role}: those that are open live on`,
    { hint: `GRANT pg_signal_backend TO ${quoteName(who)}, then the same again` },
  )
}

export function sessionsHidden({ label: message }: Connection, role: string): AppError {
  return new AppError(
    "sessions-hidden",
    `${message}: the age of the sessions of role ${role} is not visible`,
    { hint: "GRANT pg_read_all_stats, pg_signal_backend TO the admin" },
  )
}

/**
 * Ends every other session that `condition` finds, and looks again until none is left: only then
 * can none of them act any more.
 */
export async function endAll(
  { context }: PostgresTarget,
  connection: Connection,
  condition: string,
  signal: AbortSignal,
): Promise<number> {
  const ended = new Set<string | null>()
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, 250)) {
    const left = await connection.rows(
      ["process", "told"],
      `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${condition} AND pid ` +
        "<> pg_backend_pid()",
    )
    if (left.length === 0) return ended.size
    for (const { process } of left) ended.add(process)
    await context.host.pause(waitMs, signal)
  }
}
