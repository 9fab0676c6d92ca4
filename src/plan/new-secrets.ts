import type { StateDocument } from "../core/state.ts"
import { versionAt } from "../core/version.ts"

/** Secrets of the config without a value: they are left alone until a person gives or orders one. */
export function newSecrets(
  document: StateDocument | undefined,
  secrets: Readonly<Record<string, unknown>>,
): readonly string[] {
  return Object.keys(secrets).filter((name) => {
    const state = document?.secrets[name]
    return (
      state === undefined ||
      (versionAt(state, "current") === undefined &&
        state.versions.every(({ stage }) => stage.kind === "retired"))
    )
  })
}

export function sayNew(names: readonly string[]): string {
  return `not rotated, without a value: ${names.join(", ")} (adopt, or rotate-now --new)`
}
