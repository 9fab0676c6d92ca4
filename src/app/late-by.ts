import type { EnvironmentConfig } from "../config/model.ts"
import { type SecretState } from "../core/state.ts"
import { versionAt } from "../core/version.ts"
import { dueBy } from "../plan/status.ts"
import { scheduleOf } from "./schedule-of.ts"

/**
 * How long (ms) a secret has been due; 0 where it is not, or waits for a person, of whom the state
 * tells otherwise.
 */
export function lateBy(
  options: EnvironmentConfig,
  state: SecretState,
  { everyMs, now }: { readonly everyMs: number; readonly now: Date },
): number {
  const due =
    versionAt(state, "current") === undefined
      ? undefined
      : dueBy(scheduleOf(options), state, everyMs)
  return due === undefined ? 0 : Math.max(0, now.getTime() - due.getTime())
}
