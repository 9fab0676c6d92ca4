import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import type { Connection } from "./connection.ts"
import { isNumber } from "./fault.ts"
import type { MariadbTarget } from "./target.ts"

/**
 * MariaDB does not say since when a session is open, nor with which password. But it numbers
 * connections from its start on, so whatever has a lower number than the connection that brought a
 * value is older than the value.
 */
export type Moment = {
  /** ISO 8601, UTC, by the server's clock. */
  readonly at: string
  /**
   * The second in which the server started: a number means something within one run of it. Never
   * the second of `at`, so that another run has another one.
   */
  readonly server: number
  readonly connection: number
}

/**
 * Now, or, in the very second in which the server started, as soon as that is over; and the number
 * of this very connection.
 */
export async function readMoment(
  connection: Connection,
  pause: (ms: number) => Promise<void>,
): Promise<Moment> {
  for (;;) {
    const moment = await askMoment(connection)
    const early = (moment.server + 1) * 1000 - Date.parse(moment.at)
    if (early <= 0) return moment
    await pause(Math.min(early, 1000))
  }
}

async function askMoment(connection: Connection): Promise<Moment> {
  const [row] = await connection.query(
    "SELECT UTC_TIMESTAMP(3), UNIX_TIMESTAMP() - CAST(VARIABLE_VALUE AS SIGNED), " +
      "CONNECTION_ID() FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'",
  )
  const [at, server, number] = row ?? []
  const moment = {
    at: `${at?.replace(" ", "T")}Z`,
    server: Number(server ?? Number.NaN),
    connection: Number(number ?? Number.NaN),
  }
  if (
    Number.isNaN(Date.parse(moment.at)) ||
    !Number.isSafeInteger(moment.server) ||
    !Number.isSafeInteger(moment.connection)
  )
    throw new AppError(
      "answer-malformed",
      `${connection.label}: the server's clock is not understood`,
    )
  return moment
}

/** What a version keeps as `acceptedAt`. */
export function sayMoment({ at, server, connection }: Moment): string {
  return `${at} connection ${connection} of ${server}`
}

export function parseMoment(text: string | undefined): Moment | undefined {
  const [, at = "", connection, server] = text?.match(/^(\S+Z) connection (\d+) of (\d+)$/) ?? []
  return Number.isNaN(Date.parse(at))
    ? undefined
    : { at, server: Number(server), connection: Number(connection) }
}

/**
 * Ends the sessions of the user that are older than its present password, and looks again until
 * none is left. One that was opened with the old password after that, within the grace, cannot be
 * told from a live one and stays.
 */
export async function endOlderSessions(
  target: MariadbTarget,
  connection: Connection,
  live: Credential,
  signal: AbortSignal,
): Promise<number> {
  await checkShared(target, connection)
  await checkSight(target, connection)
  const older = await olderThan(target, connection, parseMoment(live.acceptedAt))
  return endAll(target, connection, older, signal)
}

/** Of an account that can log in no more: whatever is open. */
export async function endEverySession(
  target: MariadbTarget,
  connection: Connection,
  signal: AbortSignal,
): Promise<number> {
  await checkShared(target, connection)
  await checkSight(target, connection)
  return endAll(target, connection, () => true, signal)
}

async function endAll(
  target: MariadbTarget,
  connection: Connection,
  isMeant: (id: string) => boolean,
  signal: AbortSignal,
): Promise<number> {
  const ended = new Set<string>()
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, 250)) {
    const left = (await sessionsOf(target, connection)).filter(isMeant)
    if (left.length === 0) return ended.size
    for (const id of left) {
      await kill(connection, id)
      ended.add(id)
    }
    await target.context.host.pause(waitMs, signal)
  }
}

async function olderThan(
  { account: { user } }: MariadbTarget,
  connection: Connection,
  since: Moment | undefined,
): Promise<(id: string) => boolean> {
  const now = await askMoment(connection)
  if (since !== undefined && now.server === since.server)
    return (id) => Number(id) < since.connection
  // Restarted since: no earlier session is left.
  if (since !== undefined && now.server * 1000 + 1000 > Date.parse(since.at)) return () => false
  throw new AppError(
    "sessions-undated",
    `${connection.label}: it is not known since when user ${user} has its present password at ` +
      "this server, so which sessions are older is not known either",
    { hint: "its old password is gone; end its sessions by KILL USER" },
  )
}

/** A session shows the user's name, and not which of the accounts of that name it is. */
async function checkShared({ account }: MariadbTarget, connection: Connection): Promise<void> {
  if (!(await isShared(connection, account))) return
  throw new AppError(
    "mariadb-sessions-shared",
    `${connection.label}: other accounts have the name ${account.user} too, ` +
      "and the server does not say whose a session is",
    { hint: "the old password is gone; end its sessions by KILL, or take end_sessions out" },
  )
}

export async function isShared(
  connection: Connection,
  { user, host }: MariadbTarget["account"],
): Promise<boolean> {
  const [row] = await connection.query(
    `SELECT COUNT(*) FROM mysql.global_priv WHERE User = '${user}' AND Host <> '${host}' AND ` +
      "JSON_VALUE(Priv, '$.is_role') IS NULL",
  )
  return row?.[0] !== "0"
}

/** Who lacks PROCESS is shown its own sessions, and no error. */
async function checkSight(
  {
    options: {
      admin: { user: admin },
    },
  }: MariadbTarget,
  connection: Connection,
): Promise<void> {
  if (maySeeSessions(await readGrants(connection))) return
  throw new AppError(
    "sessions-out-of-reach",
    `${connection.label}: the admin may not see and end the sessions of others`,
    { hint: `GRANT PROCESS, CONNECTION ADMIN ON *.* TO ${admin}, then the same again` },
  )
}

/** Rights on everything (*.*), those of roles in use among them. */
export async function readGrants(connection: Connection): Promise<(right: string) => boolean> {
  const grants = (await connection.query("SHOW GRANTS")).map(([text]) => text ?? "")
  return (right) =>
    grants.some((text) =>
      new RegExp(`^GRANT (.*, )?(ALL PRIVILEGES|${right})(, .*)? ON \\*\\.\\* TO `).test(text),
    )
}

/** CONNECTION ADMIN was a part of SUPER before MariaDB 10.5. */
export function maySeeSessions(may: (right: string) => boolean): boolean {
  return may("PROCESS") && (may("CONNECTION ADMIN") || may("SUPER"))
}

/** This table compares names without regard to case. */
export async function sessionsOf(
  { account: { user } }: MariadbTarget,
  connection: Connection,
): Promise<readonly string[]> {
  return (
    await connection.query(
      `SELECT ID FROM information_schema.PROCESSLIST WHERE BINARY USER = '${user}'`,
    )
  ).map(([id]) => id ?? "")
}

export async function kill(connection: Connection, id: string): Promise<void> {
  if (!/^\d+$/.test(id))
    throw new AppError(
      "answer-malformed",
      `${connection.label}: the number of a connection is not understood`,
    )
  await connection.query(`KILL CONNECTION ${id}`).catch((error: unknown) => {
    // ER_NO_SUCH_THREAD: it has ended by itself.
    if (!isNumber(error, 1094)) throw error
  })
}
