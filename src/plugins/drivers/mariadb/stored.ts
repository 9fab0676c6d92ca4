import { AppError } from "../../../base/error.ts"
import type { Fields } from "../../../core/ports.ts"
import { readUsable } from "./account.ts"
import { type Place, sayAccount } from "./place.ts"
import { asAdmin } from "./session.ts"

/**
 * For a first value: an account that holds a password is used by someone. One that holds none has
 * nothing to put back.
 */
export function stored(place: Place, signal: AbortSignal): Promise<Fields | undefined> {
  return asAdmin(place, signal, async (connection) => {
    const { hashes } = await readUsable(connection, place.account)
    if (hashes.length === 0) return undefined
    throw new AppError(
      "value-exists",
      `${connection.says}: account ${sayAccount(place.account)} holds a password already`,
      {
        hint: `adopt it instead, or, if nobody uses it: ALTER USER ${sayAccount(place.account)} IDENTIFIED VIA mysql_native_password USING 'invalid'`,
      },
    )
  })
}
