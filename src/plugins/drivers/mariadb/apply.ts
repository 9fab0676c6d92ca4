import { AppError } from "../../../base/error.ts"
import type { Containing, Credential } from "../../../core/ports.ts"
import { addPassword, notKept } from "../server/two-passwords.ts"
import { accountIn, checkUser, hashOf, reopen } from "./account.ts"
import { holdAlone, makeRoom } from "./contend.ts"
import type { MariadbTarget } from "./target.ts"
import { changing } from "./session.ts"
import { serverProblems } from "./server.ts"
import { readMoment, sayMoment } from "./sessions.ts"

/**
 * Gives the account `next`'s password beside those it has. Where it is there already, nothing
 * changes. In a containment an older one is taken away if it has to be, and an account that no
 * password opens, or none is asked of, takes this one alone.
 */
export async function apply(
  target: MariadbTarget,
  next: Credential,
  { contain = false, again = 0 }: Containing,
  signal: AbortSignal,
): Promise<{ readonly acceptedAt: string }> {
  checkUser(target, next)
  const hash = hashOf(next)
  // The number of a connection dates the value: sessions that began before it are older.
  return changing(
    target,
    signal,
    async (connection) => {
      const [problem] = await serverProblems(connection)
      if (problem !== undefined)
        throw new AppError(problem.code, `${connection.label}: ${problem.message}`, {
          hint: problem.remedy,
        })
      const moment = await readMoment(connection, (ms) => target.context.host.pause(ms, signal))
      if (contain) await reopen(target, connection, hash)
      const account = accountIn(target, connection)
      const lost = await addPassword(account, hash)
      // In a containment no program has to be let in by an older one any more, if who is in does not
      // leave the new one alone.
      if (contain && (again > 0 || lost.length > 0))
        await holdAlone(target, connection, hash, signal)
      else if (lost.length > 0) throw notKept(account)
      if (contain) await makeRoom(target, connection)
      return { acceptedAt: sayMoment(moment) }
    },
    { isNew: true },
  )
}
