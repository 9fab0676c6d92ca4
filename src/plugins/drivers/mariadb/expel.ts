import type { Credential, Expelled } from "../../../core/ports.ts"
import { endedOrLeft } from "../server/sessions-left.ts"
import { hashOf, readUsable, writeHashes } from "./account.ts"
import { holdAlone } from "./contend.ts"
import { type Place, sayAccount } from "./place.ts"
import { changing } from "./session.ts"
import { endOlderSessions, sessionsOf } from "./sessions.ts"

/**
 * For containment: one statement leaves the account `live`'s password alone, whoever set the
 * others; then the sessions that are older than it end.
 */
export function expel(place: Place, live: Credential, signal: AbortSignal): Promise<Expelled> {
  const hash = hashOf(live)
  return changing(place, signal, async (connection) => {
    const only = ({ hashes }: { readonly hashes: readonly string[] }): boolean =>
      hashes.length === 1 && hashes[0] === hash
    const alone = only(await readUsable(connection, place.account))
    if (!alone) await writeHashes(place, connection, [hash])
    if (!only(await readUsable(connection, place.account)))
      await holdAlone(place, connection, hash, signal)
    const { ended, left } = await endedOrLeft(
      () => endOlderSessions(place, connection, live, signal),
      `with the right to: KILL CONNECTION of each that SHOW PROCESSLIST shows for ${place.account.user}`,
    )
    const younger = alone ? 0 : (await sessionsOf(place, connection)).length
    return {
      sessionsEnded: ended,
      notes: younger === 0 ? [] : [betweenNote(place, younger)],
      ...(left === undefined ? {} : { sessionsLeft: left }),
    }
  })
}

/**
 * Until the old password was taken away, both were accepted, and MariaDB does not say by which
 * someone came in.
 */
function betweenNote({ account }: Place, count: number): string {
  const many = count === 1 ? "1 session" : `${count} sessions`
  return `${many} of ${sayAccount(account)} began after the new password was there and before the old one was gone: if not all are yours, KILL USER ends them (--cut-first leaves no such time)`
}
