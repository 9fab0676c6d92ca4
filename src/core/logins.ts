import { type SecretState, type StateDocument } from "./state.ts"
import { versionAt } from "./version.ts"

/** Whose login the values of a secret are, as the state notes it; pure. */

export type RotatedLogins = {
  readonly secret: string
  readonly driver: string
  readonly logins: readonly string[]
}

/** Of each secret that has a value which may be accepted, if it is noted. */
export function rotatedLogins({ secrets }: StateDocument): readonly RotatedLogins[] {
  return Object.entries(secrets).flatMap(([secret, { driver, logins, versions }]) =>
    logins !== undefined && versions.some(({ stage }) => stage.kind !== "retired")
      ? [{ secret, driver, logins }]
      : [],
  )
}

/**
 * Noted with the first value, and anew with each that becomes current. A state that an older
 * mycelium wrote says nothing: it is noted later, unless the current value is of another user.
 */
export function withLogins(
  before: SecretState | undefined,
  next: SecretState,
  logins: readonly string[] | undefined,
): SecretState {
  if (logins === undefined || next.versions.length === 0) return next
  const current = versionAt(next, "current")
  const isNew = before === undefined || versionAt(before, "current")?.id !== current?.id
  if (next.logins !== undefined && !(isNew && current !== undefined)) return next
  const user = current?.clear["user"]
  const isKnown = isNew || user === undefined || logins.some((login) => login.includes(user))
  return isKnown ? { ...next, logins } : next
}
