import { randomText } from "../../../base/text/random-text.ts"
import type { Credential, Finding } from "../../../core/ports.ts"
import { Secret } from "../../../core/secret.ts"
import { problem } from "../server/findings.ts"
import { openSessions, saySessions, showSessions } from "./open-sessions.ts"
import { nextRole } from "./pair.ts"
import type { PostgresTarget } from "./target.ts"
import { probe } from "./probe.ts"
import { quoteText } from "./quote.ts"
import type { Connection } from "./wire.ts"

/** The role of a pair that is about to get a password must not be in use. */

/**
 * Asked on each server. Without a current value `readInstalled` asks the same of both roles, with a
 * code of its own.
 */
export async function idleFindings(
  { pair }: PostgresTarget,
  current: Credential | undefined,
  connection: Connection,
): Promise<readonly Finding[]> {
  if (pair === undefined || current === undefined) return []
  const idle = nextRole(pair, current)
  const sessions = await openSessions(connection, idle)
  if (sessions.length === 0) return []
  const message = `role ${idle}, whose turn it is, is in use: ${saySessions(sessions)}`
  const pooler =
    "a pooler (PgBouncer, Pgpool) keeps connections of a user after its clients are gone: " +
    "RECONNECT in its admin console closes them once they are free, " +
    "server_idle_timeout by itself, and end_sessions: true ends them with the revoke"
  const remedy =
    `let what runs there use the present login; ${pooler}. To see it: ${showSessions(idle)}; ` +
    "to end it: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = " +
    `${quoteText(idle)}`
  return [{ ...problem("pair-idle-in-use", message, remedy), yields: true }]
}

/**
 * The engine tries a wrong value with the current role; a line of pg_hba.conf may be for the other
 * one alone.
 */
export async function refusalFindings(
  target: PostgresTarget,
  current: Credential | undefined,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { pair, context } = target
  if (pair === undefined) return []
  const idle = nextRole(pair, current)
  const wrong = new Secret(`${context.label} wrong`, randomText(32, context.host.random))
  const answer = await probe(
    target,
    { version: "control", fields: { user: idle, password: wrong } },
    signal,
  )
  if (answer === "refused") return []
  if (answer === "accepted")
    return [
      problem(
        "accepts-anything",
        `the server lets role ${idle} in with a random wrong password, so no login proves anything`,
        "use scram-sha-256 in pg_hba.conf",
      ),
    ]
  return [
    problem(
      "no-answer",
      `the server gives no clear answer to a login of role ${idle}`,
      "see what pg_hba.conf says of this role, and the server's log",
    ),
  ]
}
