import { AppError } from "../base/error.ts"
import { deadlineOf } from "../base/processes/run-time.ts"
import type { Health } from "../core/ports.ts"

/**
 * One answer of a health check within `ms`: true, or why not. A check that throws or hangs is a no,
 * not our error.
 */
export async function askHealth(
  health: Health,
  ms: number,
  outer: AbortSignal,
): Promise<true | string> {
  const { signal, end } = deadlineOf(Math.max(1, Math.ceil(ms)), outer)
  const cut = Promise.withResolvers<string>()
  const stop = (): void => cut.resolve(`no answer from ${health.label}`)
  signal.addEventListener("abort", stop)
  if (signal.aborted) stop()
  try {
    // The race: a check that ignores its signal must not hang the rotation.
    return await Promise.race([health.healthy(signal), cut.promise])
  } catch (error) {
    return error instanceof AppError ? error.message : `${health.label} failed`
  } finally {
    end()
    signal.removeEventListener("abort", stop)
  }
}

/** A stop that was asked for is neither healthy nor unhealthy: nothing may be decided on it. */
export function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted)
    throw signal.reason instanceof AppError
      ? signal.reason
      : new AppError("stopped", "interrupted", { remedy: "retry" })
}
