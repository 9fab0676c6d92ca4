import type { Forgotten } from "../../../core/ports.ts"
import { readAccount, writeHashes } from "./account.ts"
import type { Place } from "./place.ts"
import { changing } from "./session.ts"
import { endLogins } from "./under-way.ts"

/** The account can log in with no password then, nor otherwise, and still exists. */
export function forget(place: Place, signal: AbortSignal, waitedMs: number): Promise<Forgotten> {
  return changing(place, signal, async (connection) => {
    const account = await readAccount(connection, place.account)
    if (account !== undefined && (account.hashes.length > 0 || account.open || account.foreign))
      await writeHashes(place, connection, [])
    const underWay = await endLogins(place, connection, waitedMs)
    return underWay === undefined ? {} : { underWay }
  })
}
