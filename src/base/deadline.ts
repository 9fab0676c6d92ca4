import { formatDuration } from "./text/duration.ts"
import { AppError } from "./error.ts"
import type { Host } from "./system/host.ts"
import { countDown } from "./processes/run-time.ts"

/**
 * Runs `act` with a signal that aborts after `ms` milliseconds in which we ran, or with one of
 * `outer`, and rejects at that instant (`timeout`, `abandoned`) even if the act ignores its signal:
 * a plug-in that hangs must not hang its neighbours.
 */
export async function within<T>(
  ms: number,
  act: (signal: AbortSignal) => Promise<T>,
  ...outer: readonly (AbortSignal | undefined)[]
): Promise<T> {
  const inner = new AbortController()
  let callOff = (): void => undefined
  let abandon = (): void => undefined
  const cut = new Promise<never>((_, reject) => {
    const end = (error: AppError): void => {
      reject(error)
      inner.abort(error)
    }
    abandon = () => end(new AppError("abandoned", "not waited for any longer", { remedy: "retry" }))
    callOff = countDown(ms, () =>
      end(
        new AppError("timeout", `no answer within ${formatDuration(Math.ceil(ms / 1000) * 1000)}`, {
          remedy: "retry",
        }),
      ),
    )
  })
  if (outer.some((signal) => signal?.aborted === true)) abandon()
  else for (const signal of outer) signal?.addEventListener("abort", abandon)
  try {
    return await Promise.race([cut, act(inner.signal)])
  } finally {
    callOff()
    for (const signal of outer) signal?.removeEventListener("abort", abandon)
  }
}

/** For an act that takes no signal: what it still does after the end is dropped. */
export function orAborted<Value>(act: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener("abort", stop, { once: true })
    act.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop))
  })
}

/** A pause that is late by more than this is not load: this process was stopped. */
const lateMs = 1500

/** A machine that is always too busy must not put this off for ever. */
const mostTimes = 3

/**
 * Waits as `host.pause` does. If this process was stopped meanwhile (SIGSTOP), it waits once more:
 * what arrived is read first, and the other side gets its full time.
 */
export async function pauseFor(host: Host, ms: number, signal: AbortSignal): Promise<void> {
  for (let isLate = true, times = 0; isLate && times < mostTimes && !signal.aborted; times++) {
    const began = host.monotonicMs()
    await host.pause(ms, signal)
    isLate = host.monotonicMs() - began > ms + lateMs
  }
}
