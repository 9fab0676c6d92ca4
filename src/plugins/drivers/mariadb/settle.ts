import { AppError } from "../../../base/error.ts"
import { lockName, type MariadbTarget } from "./target.ts"
import { asAdmin } from "./session.ts"
import { kill } from "./sessions.ts"

/**
 * Ends what an earlier run has under way: it holds the lock of our name until the server is done
 * with its connection, and sends no change before it has the lock (see `changing`). What the server
 * has not read yet of a dead run's is therefore either behind a lock that shows here, or a mere
 * question for it.
 */
export function settle(target: MariadbTarget, signal: AbortSignal): Promise<boolean> {
  return asAdmin(target, signal, async (connection) => {
    for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, 250)) {
      const [row] = await connection.query(`SELECT IS_USED_LOCK('${lockName(target)}')`)
      const holder = row?.[0]
      if (holder === undefined)
        throw new AppError(
          "answer-malformed",
          `${connection.label}: the server's answer to IS_USED_LOCK is not understood`,
        )
      if (holder === null) return true
      await kill(connection, holder)
      await target.context.host.pause(waitMs, signal)
    }
  })
}
