import { AppError } from "../../../base/error.ts"
import type { Credential, Versions } from "../../../core/ports.ts"
import { Secret } from "../../../core/secret.ts"

/** A version as a server sees it: `{ user, password }`. */

/** Whose password it is. A version that was adopted may not name its user: then the config's. */
export function userOf({ fields }: Credential, configured: string): string {
  return typeof fields["user"] === "string" ? fields["user"] : configured
}

export function passwordOf({ fields }: Credential): Secret | undefined {
  return fields["password"] instanceof Secret ? fields["password"] : undefined
}

export function neededPassword(version: Credential): Secret {
  const password = passwordOf(version)
  if (password === undefined)
    throw new AppError("password-missing", `version ${version.version} holds no password`)
  return password
}

/** Every version that holds a password. */
export function withPassword({
  current,
  previous,
  pending,
  uncertain,
}: Versions): readonly Credential[] {
  return [current, previous, pending, ...uncertain].flatMap((one) =>
    one !== undefined && passwordOf(one) !== undefined ? [one] : [],
  )
}

/**
 * Without an admin: what the account most likely has now, first, for each refused login counts at
 * the server. On the way back that is the pending one.
 */
export function likelyFirst(
  next: Credential,
  { current, pending, previous }: Versions,
): readonly Credential[] {
  const order =
    next.version === current?.version
      ? [pending, current, previous]
      : [current, next, pending, previous]
  return order.filter((login) => login !== undefined)
}
