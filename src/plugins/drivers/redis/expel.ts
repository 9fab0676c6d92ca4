import { AppError } from "../../../base/error.ts"
import type { Credential, Expelled } from "../../../core/ports.ts"
import { endedOrLeft } from "../server/sessions-left.ts"
import { listClients } from "./clients.ts"
import type { Connection } from "./connection.ts"
import { persist } from "./persist.ts"
import type { Place } from "./place.ts"
import { endOlderSessions, isProgram } from "./revoke.ts"
import { type Ask, onAll, userChanged } from "./session.ts"
import { hashOf, readUsable, userOf } from "./user.ts"

/**
 * For containment: one command takes every password of the user away and gives it `live`'s, so that
 * none that someone else
 * has added is left. Then the connections that may be older than `live` end: of those whose age, in
 * whole seconds, does not
 * tell, too, for a program that has just been restarted connects again.
 */
export async function expel(
  place: Place,
  live: Credential,
  signal: AbortSignal,
): Promise<Expelled> {
  const ask: Ask = { logins: [live], signal }
  const user = userOf(place, live)
  const changed = await onAll(place, ask, (connection) =>
    leaveOnly(connection, user, hashOf(live)),
  ).finally(() => userChanged(place, user))
  const { ended, left } = await endedOrLeft(
    () => endOlderSessions(place, live, ask, { spareDoubtful: false }),
    `CLIENT KILL USER ${user} ends all of its connections`,
  )
  const younger = changed.includes(true) ? await countOf(place, user, ask) : 0
  return {
    sessionsEnded: ended,
    notes: younger === 0 ? [] : [betweenNote(user, younger)],
    ...(left === undefined ? {} : { sessionsLeft: left }),
  }
}

/** True where there was another. */
async function leaveOnly(connection: Connection, user: string, hash: string): Promise<boolean> {
  const before = await readUsable(connection, user)
  const alone = before.hashes.length === 1 && before.hashes[0] === hash
  if (!alone) await connection.command(["ACL", "SETUSER"], user, "resetpass", `#${hash}`)
  await persist(connection)
  const { hashes } = await readUsable(connection, user)
  if (hashes.length === 1 && hashes[0] === hash) return !alone
  throw new AppError(
    "redis-not-kept",
    `${connection.says}: user ${user} holds other passwords again: somebody else changes users there`,
    {
      remedy: "retry",
      hint: "find out who does, and take that right from them: ACL LIST shows who may ACL SETUSER",
    },
  )
}

async function countOf(place: Place, user: string, ask: Ask): Promise<number> {
  const counts = await onAll(
    place,
    { ...ask },
    async (connection) =>
      (await listClients(connection)).filter((client) => client.user === user && isProgram(client))
        .length,
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/**
 * Until the old password was taken away, both were accepted, and Redis does not say by which
 * someone came in.
 */
function betweenNote(user: string, count: number): string {
  const many = count === 1 ? "1 connection" : `${count} connections`
  return `${many} of user ${user} began after the new password was there and before the old one was gone: if not all are yours, CLIENT KILL USER ${user} ends them (--cut-first leaves no such time)`
}
