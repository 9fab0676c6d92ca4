import { backoffMs } from "../base/retry.ts"
import type { Patch } from "../core/state.ts"
import type { Session } from "./session.ts"

/** Counts a failure and says when the next attempt may be. */
export function noteFailure(
  session: Session,
  fault: { readonly code: string; readonly message: string },
): Patch {
  return (state) => {
    const failures = (state.retry?.failures ?? 0) + 1
    const { host } = session.work
    const notBefore = new Date(
      host.now().getTime() + backoffMs(failures, host.random),
    ).toISOString()
    return { ...state, retry: { failures, notBefore, code: fault.code, message: fault.message } }
  }
}
