import { AppError } from "./error.ts"
import type { Host } from "./host.ts"
import { countDown } from "./run-time.ts"

/**
 * Runs `act` with a signal that aborts after `ms` milliseconds in which we ran, or with one of `outer`, and rejects at that instant (`timeout`,
 * `abandoned`) even if the act ignores its signal: a plug-in that hangs must not hang its neighbours.
 */
export async function within<T>(ms: number, act: (signal: AbortSignal) => Promise<T>, ...outer: readonly (AbortSignal | undefined)[]): Promise<T> {
  const inner = new AbortController()
  let callOff = (): void => undefined
  let abandon = (): void => undefined
  const cut = new Promise<never>((_, reject) => {
    const end = (error: AppError): void => {
      reject(error)
      inner.abort(error)
    }
    abandon = () => end(new AppError("abandoned", "not waited for any longer", { remedy: "retry" }))
    callOff = countDown(ms, () => end(new AppError("timeout", `no answer within ${Math.ceil(ms / 1000)} s`, { remedy: "retry" })))
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

const sliceMs = 1000
const lateMs = 500

/**
 * Waits as `host.pause` does, counted in slices: one in which we were stopped counts as one, and the last is then followed
 * by another, in which what came meanwhile is read.
 */
export async function patience(host: Host, ms: number, signal: AbortSignal): Promise<void> {
  let isLate = false
  for (let left = ms; (left > 0 || isLate) && !signal.aborted; left -= sliceMs) {
    const began = host.monotonicMs()
    const slice = Math.min(left > 0 ? left : ms, sliceMs)
    await host.pause(slice, signal)
    isLate = host.monotonicMs() - began > slice + lateMs
  }
}
