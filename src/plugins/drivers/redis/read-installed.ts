import type { Fields } from "../../../core/ports.ts"
import { refuseHeld } from "../server/two-passwords.ts"
import { lookName, type RedisTarget } from "./target.ts"
import { onEach } from "./session.ts"
import { accountOf } from "./user.ts"

/**
 * For a first value: a user that holds a password is in use. One that holds none has
 * nothing to put back.
 */
export async function readInstalled(
  target: RedisTarget,
  signal: AbortSignal,
): Promise<Fields | undefined> {
  const { user } = target.options
  await onEach(target, { logins: [], signal, name: lookName }, async (connection) => {
    const account = accountOf(connection, user)
    refuseHeld(
      account,
      await account.read(),
      `adopt it instead, or, if no program uses it: ACL SETUSER ${user} resetpass`,
    )
  })
  return undefined
}
