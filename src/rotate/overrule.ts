import type { Driver } from "../core/ports.ts"

/**
 * Can a containment end a value that the service accepts and no version holds? An admin sets a
 * value over whatever is there; where several live side by side, the driver must also be able to
 * take away those that no version holds.
 */
export function overrules({ overlap, deleteLogin: forget, revokeOthers }: Driver): boolean {
  return (
    overlap === "none" ||
    (forget !== undefined && (overlap === "one" || revokeOthers !== undefined))
  )
}

/** What a person can do where it cannot. */
export function byHand({ deleteLogin: forget }: Driver): string {
  const first =
    "if the server has lost the change (a failover, a backup that was put back): " +
    "mycelium reconcile, then the same command again; if an intruder has changed it: " +
    "set a new password at the service by hand, mycelium adopt it, " +
    "then the same command again"
  return forget === undefined
    ? `${first} (an admin in the config does all of that)`
    : `${first}, once no other value is accepted there`
}
