import { AppError } from "./error.ts"

/**
 * Runs `act` with a signal that aborts after `ms` milliseconds, and rejects at that instant with `timeout` even if the
 * act ignores its signal: a plug-in that hangs must not hang its neighbours.
 */
export async function within<T>(ms: number, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const inner = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new AppError("timeout", `no answer within ${Math.ceil(ms / 1000)} s`, { remedy: "retry" })
      reject(error)
      inner.abort(error)
    }, ms)
  })
  try {
    return await Promise.race([act(inner.signal), late])
  } finally {
    clearTimeout(timer)
  }
}
