import type { SecretState } from "./state.ts"
import { openContainment } from "./open-containment.ts"

/**
 * A secret that the config has no more, while something is owed of it: nothing here reaches its
 * service, so a value that was to be revoked lives on. Who looks at the state tells of it, with the
 * way on; so do a containment and its report.
 */

/** What is owed, in words: "v1 was to be revoked"; none where nothing is. */
export function debtsOf(state: SecretState): readonly string[] {
  const open = openContainment(state)
  return [
    ...state.versions.flatMap(({ id, stage }) => {
      if (stage.kind === "previous")
        return [
          `${id} was to be revoked, and may still be accepted: nothing here reaches its service`,
        ]
      return stage.kind === "uncertain" ? [`${id} may still be accepted`] : []
    }),
    ...(open === undefined ? [] : [`NOT contained in ${open.incident}`]),
  ]
}

/** Some value of it may open its service, or is to be ended. */
export function isLeft(state: SecretState): boolean {
  return (
    state.versions.some(({ stage }) => stage.kind !== "retired") ||
    openContainment(state) !== undefined
  )
}

/**
 * What a person can do, safe to follow as it stands. What no service asks for has no login that
 * could stay.
 */
export function unlistedRemedy(place: string, driver: string | undefined): string {
  const first = "put it back into the config, or, if another config has it, name that with --config"
  if (driver === "generated")
    return `${first}; or, where it was renamed or is not needed any more: mycelium delete ${place} --yes`
  return (
    `${first}; or, where it was renamed or is not needed any more, once its login is ended at ` +
    `the service, or is another secret's now: mycelium delete ${place} --login-ended --yes`
  )
}

export const unlisted = {
  code: "secret-unknown",
  message: "it is in the state and not in the config, so nothing here reaches its service",
} as const
