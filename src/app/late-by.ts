import type { EnvironmentConfig } from "../config/model.ts"
import { type SecretState } from "../core/state.ts"
import { versionAt } from "../core/version.ts"
import { dueBy } from "../plan/status.ts"
import { scheduleOf } from "./schedule-of.ts"

/**
 * How long (ms) a secret has been due; 0 if it is not. One that waits for a person is not late: other
 * findings name it.
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
