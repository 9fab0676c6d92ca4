import type { Fields } from "../../../core/ports.ts"
import { refuseHeld } from "../server/two-passwords.ts"
import { accountIn } from "./account.ts"
import { type MariadbTarget, sayAccount } from "./target.ts"
import { asAdmin } from "./session.ts"

/**
 * For a first value: an account that holds a password is in use. One that holds none has
 * nothing to put back.
 */
export function readInstalled(
  target: MariadbTarget,
  signal: AbortSignal,
): Promise<Fields | undefined> {
  return asAdmin(target, signal, async (connection) => {
    const account = accountIn(target, connection)
    refuseHeld(
      account,
      await account.read(),
      `adopt it instead, or, if no program uses it: ALTER USER ${sayAccount(target.account)} ` +
        "IDENTIFIED VIA mysql_native_password USING 'invalid'",
    )
    return undefined
  })
}
