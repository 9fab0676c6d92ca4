import type { Credential } from "../../../core/ports.ts"
import { sayAddress } from "../server/address.ts"
import { parseAddress } from "./address.ts"
import type { PostgresOptions } from "./options.ts"

/**
 * Two roles that take turns. Both are members of `owner`, which owns everything and cannot log in,
 * and become it at login (`ALTER ROLE blue SET role = owner`): so it makes no difference to the
 * database which of the two is current.
 */
export type Pair = { readonly roles: readonly [string, string]; readonly owner: string }

export function pairOf({ roles, owner }: PostgresOptions): Pair | undefined {
  return roles === undefined || owner === undefined ? undefined : { roles, owner }
}

/** Every role whose password is this secret's. */
export function rolesOf({ role, roles }: PostgresOptions): readonly string[] {
  return roles ?? (role === undefined ? [] : [role])
}

/** The role that is next: the one that `current` does not use; the first if nothing is current. */
export function nextRole(
  { roles: [first, second] }: Pair,
  current: Credential | undefined,
): string {
  return current?.fields["user"] === first ? second : first
}

/** What no other secret may rotate: a role is the cluster's, whatever database it logs in to. */
export function loginsOf(options: PostgresOptions): readonly string[] {
  const server = sayAddress(parseAddress(options.address))
  return rolesOf(options).map((role) => `postgresql://${server} role ${role}`)
}
