import { AppError } from "../../../base/error.ts"
import type { Fields } from "../../../core/ports.ts"
import { lookName, type Place } from "./place.ts"
import { onEach } from "./session.ts"
import { readUsable } from "./user.ts"

/**
 * For a first value: a user that holds a password is used by someone. One that holds none has
 * nothing to put back.
 */
export async function stored(place: Place, signal: AbortSignal): Promise<Fields | undefined> {
  const { user } = place.options
  await onEach(place, { logins: [], signal, name: lookName }, async (connection) => {
    const { hashes } = await readUsable(connection, user)
    if (hashes.length === 0) return
    const held = hashes.length === 1 ? "a password" : `${hashes.length} passwords`
    throw new AppError("value-exists", `${connection.says}: user ${user} holds ${held} already`, {
      hint: `adopt it instead, or, if nobody uses it: ACL SETUSER ${user} resetpass`,
    })
  })
  return undefined
}
