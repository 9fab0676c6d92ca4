import { believableState } from "../core/instants.ts"
import type { SecretState, StateDocument } from "../core/state.ts"
import { openContainment } from "../core/open-containment.ts"

/**
 * What a containment was to end and has not. Only a containment ends it, so each command that looks
 * at the state tells it, with a time that can be true now, whatever clock wrote it.
 */
export type UncontainedSecret = {
  readonly secret: string
  readonly incident: string
  readonly since: string
  readonly code: string
}

export function uncontainedSecrets(
  document: StateDocument | undefined,
  now: Date,
): readonly UncontainedSecret[] {
  return Object.entries(document?.secrets ?? {}).flatMap(([secret, state]) => {
    const open = openContainment(state) && openContainment(believableState(state, now))
    return open === undefined ? [] : [{ secret, ...open }]
  })
}

export function sayNotContained({
  since,
  incident,
  code,
}: NonNullable<SecretState["uncontained"]>): string {
  return `NOT contained since ${inWords(since)} (${incident}): ${code}`
}

export function inWords(at: string): string {
  return `${at.slice(0, 16).replace("T", " ")} UTC`
}
