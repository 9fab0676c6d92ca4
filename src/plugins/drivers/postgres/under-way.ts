import type { Credential, UnderWay } from "../../../core/ports.ts"
import { endHeldUp, ordinaryMs } from "./held-up.ts"
import { everywhere, type PostgresTarget } from "./target.ts"
import { quoteText } from "./quote.ts"
import { inSession } from "./session.ts"
import { acceptedAt } from "./sessions.ts"
import type { Connection } from "./wire.ts"

/**
 * A server reads the stored form of a password before it asks the client for its proof: a login
 * that began before the change may end well after it, and pg_stat_activity shows no role of it
 * until then. From 18 on it shows that there is one (state "starting"), to those who may read all
 * of it. Else authentication_timeout is what ends such a login at the latest, as long as it has not
 * sent its proof: what lasts longer after that is held up, and is ended.
 */

/**
 * From its last word on a login is no longer limited; it shows in pg_stat_activity so much later
 * (ms), if no lock holds it up.
 */
const visibleMs = 500
/**
 * How often (ms) a server that shows logins is asked; a login that takes longer than this is no
 * ordinary one, and is ended.
 */
const lookMs = 250

/**
 * Undefined where no login by a password from before `live` can end well any more, on the standbys
 * too: the sessions that there are now are all.
 */
export async function loginsUnderWay(
  target: PostgresTarget,
  live: Credential,
  waitedMs: number,
  signal: AbortSignal,
): Promise<UnderWay | undefined> {
  return loginsAt(target, { since: acceptedAt(live), logins: [live], waitedMs }, signal)
}

type Since = {
  /** By the server's clock; undefined where that is not known. */
  readonly since: string | undefined
  /** By which we get in. */
  readonly logins: readonly Credential[]
  readonly waitedMs: number
}

/** As `loginsUnderWay`, of logins that began before `since`. */
export async function loginsAt(
  target: PostgresTarget,
  { since, logins, waitedMs }: Since,
  signal: AbortSignal,
): Promise<UnderWay | undefined> {
  if (since === undefined) return undefined
  const servers = await Promise.all(
    everywhere(target).map((server) =>
      inSession(server, logins, signal, (connection) =>
        loginsSince(connection, {
          since,
          waitedMs,
          pause: (ms) => target.context.host.pause(ms, signal),
        }),
      ),
    ),
  )
  return servers
    .filter((one) => one !== undefined)
    .reduce<UnderWay | undefined>(
      (longest, one) => (one.inMs > (longest?.inMs ?? 0) ? one : longest),
      undefined,
    )
}

type Look = {
  readonly since: string
  readonly waitedMs: number
  readonly pause: (ms: number) => Promise<void>
}

/** At one server, of logins that began before `since`; one that is held up is ended. */
export async function loginsSince(
  connection: Connection,
  { since, waitedMs, pause }: Look,
): Promise<UnderWay | undefined> {
  const [server] = await connection.rows(
    ["shows", "ends", "mostMs", "passedMs"],
    `SELECT current_setting('server_version_num')::int >= 180000 AND pg_has_role('pg_read_all_stats', 'USAGE'),
     (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
     (SELECT setting::int * 1000 FROM pg_settings WHERE name = 'authentication_timeout'),
     floor(extract(epoch FROM clock_timestamp() - ${quoteText(since)}::timestamptz) * 1000)`,
  )
  const mostMs = Number(server?.mostMs ?? 0) + visibleMs
  // What we have waited ourselves counts, too: the server's clock may have been set back.
  const restMs = mostMs - Math.max(Number(server?.passedMs ?? 0), waitedMs)
  if (server?.shows === "t") {
    const isLate = waitedMs >= ordinaryMs
    if (!(await stillStarting(connection, since, server.ends === "t" && isLate))) return undefined
    if (isLate) await endHeldUp(connection, pause)
    return { inMs: lookMs, mostMs }
  }
  if (restMs > 0) return { inMs: Math.min(restMs, mostMs), mostMs }
  return (await endHeldUp(connection, pause)) ? { inMs: visibleMs, mostMs } : undefined
}

/** Logins that began before `since`: of whom, the server does not know yet. */
async function stillStarting(
  connection: Connection,
  since: string,
  ends: boolean,
): Promise<boolean> {
  const found = await connection.rows(
    ["process", "told"],
    `SELECT pid, ${ends ? "pg_terminate_backend(pid)" : "false"} FROM pg_stat_activity
     WHERE state = 'starting' AND backend_type IN ('client backend', 'walsender') AND backend_start < ${quoteText(since)}::timestamptz`,
  )
  return found.length > 0
}
