import { AppError } from "../../../base/error.ts"
import type { Containing, Credential } from "../../../core/ports.ts"
import { checkUser, hashOf, readUsable, writeHashes } from "./account.ts"
import { holdAlone } from "./contend.ts"
import type { Place } from "./place.ts"
import { changing } from "./session.ts"
import { serverProblems } from "./server.ts"
import { readMoment, sayMoment } from "./sessions.ts"

/**
 * Gives the account `next`'s password beside those it has. Where it is there already, nothing
 * changes. In a containment an older one is taken away if it has to be.
 */
export async function apply(
  place: Place,
  next: Credential,
  { contain = false, again = 0 }: Containing,
  signal: AbortSignal,
): Promise<{ readonly acceptedAt: string }> {
  checkUser(place, next)
  const hash = hashOf(next)
  // The number of a connection dates the value: sessions that began before it are older.
  return changing(
    place,
    signal,
    async (connection) => {
      const [problem] = await serverProblems(connection)
      if (problem !== undefined)
        throw new AppError(problem.code, `${connection.says}: ${problem.says}`, {
          hint: problem.remedy,
        })
      const { hashes } = await readUsable(connection, place.account)
      const moment = await readMoment(connection, (ms) => place.reach.host.pause(ms, signal))
      if (!hashes.includes(hash)) await writeHashes(place, connection, [hash, ...hashes])
      const after = await readUsable(connection, place.account)
      const isKept = [hash, ...hashes].every((one) => after.hashes.includes(one))
      // Nobody in a containment has to be let in by an older one any more, if who is in does not
      // leave the new one alone.
      if (contain && (again > 0 || !isKept)) await holdAlone(place, connection, hash, signal)
      else if (!isKept) {
        throw new AppError(
          "mariadb-not-kept",
          `${connection.says}: the new password was taken and is gone again: somebody else changes this account`,
          { remedy: "retry" },
        )
      }
      return { acceptedAt: sayMoment(moment) }
    },
    { isNew: true },
  )
}
