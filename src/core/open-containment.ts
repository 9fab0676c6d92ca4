import { serverLeft, unaskedIn } from "./places.ts"
import type { SecretState, Uncontained } from "./state.ts"
import { olderHolder, versionAt } from "./version.ts"

/** Is a containment of a secret at its end, and what does it owe? */

/**
 * The containment that a secret was chosen for and whose end it has not reached: not begun, its
 * revoke is still owed, a server where its old value was accepted was not asked, or programs that
 * no service checks still take the old value. All that tell of it ask here.
 */
export function openContainment(state: SecretState): Uncontained | undefined {
  const { uncontained, contained, unwritten } = state
  if (uncontained !== undefined || contained === undefined) return uncontained
  const { incident, at } = contained
  const current = versionAt(state, "current")
  if (olderHolder(state, contained.version) !== undefined)
    return { incident, since: laterOf(at, current?.madeAt), code: compromisedAgain.code }
  if (owesRevokeOthers(state)) return { incident, since: at, code: "revoke-owed" }
  if (unaskedIn(state).length > 0) return { incident, since: at, code: serverLeft }
  return unwritten?.lives === true
    ? { incident, since: unwritten.since, code: "output-owed" }
    : undefined
}

function laterOf(one: string, other = one): string {
  return one > other ? one : other
}

/** A value that a containment took away counts again. */
export const compromisedAgain = {
  code: "compromised-again",
  message: "a value that a containment took away came back: it was adopted, or accepted again",
} as const

/**
 * A containment has made its value, and has still to take away what was there before. An older
 * state says so of versions alone.
 */
export function owesRevokeOthers({
  contained,
  versions,
}: Pick<SecretState, "contained" | "versions">): boolean {
  return (
    contained?.owes === true ||
    versions.some(({ stage }) => stage.kind === "previous" && stage.revokeOthers === true)
  )
}

/**
 * The value that the last containment made is the current one: so what is older than it can be
 * told, and ended.
 */
export function holdsContained(state: SecretState): boolean {
  return (
    state.contained !== undefined && versionAt(state, "current")?.id === state.contained.version
  )
}
