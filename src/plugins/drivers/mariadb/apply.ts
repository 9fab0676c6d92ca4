import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import { checkUser, hashOf, readUsable, writeHashes } from "./account.ts"
import { changing, type Place } from "./place.ts"
import { serverProblems } from "./server.ts"
import { readMoment, sayMoment } from "./sessions.ts"

/** Gives the account `next`'s password beside those it has. Where it is there already, nothing changes. */
export async function apply(
  place: Place,
  next: Credential,
  signal: AbortSignal,
): Promise<{ readonly acceptedAt: string }> {
  checkUser(place, next)
  const hash = hashOf(next)
  return changing(place, signal, async (connection) => {
    const [problem] = await serverProblems(connection)
    if (problem !== undefined)
      throw new AppError(problem.code, `${connection.says}: ${problem.says}`, {
        hint: problem.remedy,
      })
    const { hashes } = await readUsable(connection, place.account)
    const moment = await readMoment(connection, (ms) => place.reach.host.pause(ms, signal))
    if (!hashes.includes(hash)) await writeHashes(place, connection, [hash, ...hashes])
    const after = await readUsable(connection, place.account)
    if (![hash, ...hashes].every((one) => after.hashes.includes(one))) {
      throw new AppError(
        "mariadb-not-kept",
        `${connection.says}: the new password was taken and is gone again: somebody else changes this account`,
        { remedy: "retry" },
      )
    }
    return { acceptedAt: sayMoment(moment) }
  })
}
