import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import { quoteText } from "./quote.ts"
import type { PostgresTarget } from "./target.ts"
import { inSession } from "./session.ts"
import type { Connection } from "./wire.ts"

/**
 * Roles are replicated with everything else, in the write-ahead log: a standby knows a password
 * once it has replayed that far.
 */

/** Below all our deadlines, so that the error names the standby that lags, and not a timeout. */
const mostMs = 10_000

/**
 * Resolves when each standby has replayed all that is committed on the primary now. Never by trying
 * passwords: servers count the refused.
 */
export async function waitForReplay(
  target: PostgresTarget,
  primary: Connection,
  logins: readonly Credential[],
  signal: AbortSignal,
): Promise<void> {
  if (target.standbys.length === 0) return
  const position = await writtenTo(primary)
  const waits = target.standbys.map((standby) =>
    inSession(standby, logins, signal, async (connection) => {
      if (!(await replays(standby, connection, { position, withinMs: mostMs, signal })))
        throw behind(connection)
    }),
  )
  const failed = (await Promise.allSettled(waits)).find((wait) => wait.status === "rejected")
  if (failed !== undefined) throw failed.reason
}

/**
 * How far the primary has written its log: beyond all that it has confirmed to us
 * (`synchronous_commit` is never off in our sessions).
 */
export async function writtenTo(primary: Connection): Promise<string> {
  const [now] = await primary.rows(["position"], "SELECT pg_current_wal_lsn()")
  return now?.position ?? "0/0"
}

type Replaying = {
  readonly position: string
  readonly withinMs: number
  readonly signal: AbortSignal
}

/**
 * True if the standby gets as far as `position` within `withinMs`. One that was promoted replays
 * nothing any more: its own logins tell.
 */
export async function replays(
  { context }: PostgresTarget,
  standby: Connection,
  { position, withinMs, signal }: Replaying,
): Promise<boolean> {
  // Counted in pauses: while this process is stopped, it does not look.
  for (let [waitMs, waitedMs] = [5, 0]; ; waitMs = Math.min(waitMs * 2, 200)) {
    const [now] = await standby.rows(
      ["there"],
      "SELECT NOT pg_is_in_recovery() OR coalesce(pg_last_wal_replay_lsn() >= " +
        `${quoteText(position)}::pg_lsn, false)`,
    )
    if (now?.there === "t") return true
    if (waitedMs >= withinMs) return false
    await context.host.pause(waitMs, signal)
    waitedMs += waitMs
  }
}

function behind({ label: message }: Connection): AppError {
  return new AppError(
    "standby-behind",
    `${message}: this standby has not replayed the change yet`,
    {
      remedy: "retry",
      hint:
        "it would still take the old password and refuse the new one: see its log, " +
        "and pg_stat_replication on the primary",
    },
  )
}
