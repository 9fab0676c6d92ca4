import { heldRevoke } from "../core/held-up.ts"
import type { RevokeHeld, StateDocument } from "../core/state.ts"

/** A value that is past its grace, and why it was not taken away at the last try. */
export type HeldRevoke = RevokeHeld & { readonly secret: string }

/** By the state. What a containment owes is told with the containment. */
export function heldRevokes(document: StateDocument | undefined, now: Date): readonly HeldRevoke[] {
  return Object.entries(document?.secrets ?? {}).flatMap(([secret, state]) =>
    state.versions.flatMap(({ id, stage }) => {
      const isOverdue =
        stage.kind === "previous" &&
        stage.revokeOthers !== true &&
        Date.parse(stage.revokeAt) <= now.getTime()
      const held = isOverdue ? heldRevoke(state, id) : undefined
      return held === undefined ? [] : [{ secret, ...held }]
    }),
  )
}
