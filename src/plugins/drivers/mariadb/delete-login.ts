import type { Forgotten } from "../../../core/ports.ts"
import { readAccount, writeHashes } from "./account.ts"
import type { MariadbTarget } from "./target.ts"
import { changing } from "./session.ts"
import { endEverySession } from "./sessions.ts"
import { endLogins } from "./under-way.ts"

/** The account can log in with no password then, nor otherwise, and still exists. */
export function deleteLogin(
  target: MariadbTarget,
  signal: AbortSignal,
  waitedMs: number,
): Promise<Forgotten> {
  return changing(target, signal, async (connection) => {
    const account = await readAccount(connection, target.account)
    if (account !== undefined && (account.hashes.length > 0 || account.open || account.foreign))
      await writeHashes(target, connection, [])
    const underWay = await endLogins(target, connection, waitedMs)
    return underWay === undefined ? {} : { underWay }
  })
}

/** It can log in no more: nothing comes after. */
export function endSessions(
  target: MariadbTarget,
  signal: AbortSignal,
): Promise<{ readonly sessionsEnded: number }> {
  return changing(target, signal, async (connection) => ({
    sessionsEnded: await endEverySession(target, connection, signal),
  }))
}
