import { describeError } from "../../base/error.ts"
import type { Credential } from "../../core/ports.ts"
import { driverOf } from "../ask.ts"
import { type Death, notDead } from "../death.ts"
import type { Session } from "../session.ts"
import { untilOver } from "../under-way.ts"

/**
 * Takes `old` away, then proves its death: its login is refused while the same login works with
 * `live`.
 */
export async function proveDead(
  session: Session,
  name: string,
  context: {
    readonly id: string
    readonly old: Credential
    readonly live: Credential
    readonly endSessions: boolean
  },
): Promise<Death> {
  const driver = driverOf(session, name)
  if (driver.overlap === "none") return { kind: "dead", sessionsEnded: 0 }
  let sessionsEnded = 0
  try {
    const { endSessions } = context
    const done = await untilOver(session, name, (signal, waitedMs) =>
      driver.revoke(context.old, context.live, { endSessions, waitedMs }, signal),
    )
    sessionsEnded = done.sessionsEnded
  } catch (error) {
    return { kind: "owed", ...describeError(error) }
  }
  return (await notDead(session, name, [context], context.live)) ?? { kind: "dead", sessionsEnded }
}
