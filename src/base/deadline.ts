import { AppError } from "./error.ts"

/**
 * Runs `act` with a signal that aborts after `ms` milliseconds or with one of `outer`, and rejects at that instant (`timeout`,
 * `abandoned`) even if the act ignores its signal: a plug-in that hangs must not hang its neighbours.
 */
export async function within<T>(ms: number, act: (signal: AbortSignal) => Promise<T>, ...outer: readonly (AbortSignal | undefined)[]): Promise<T> {
  const inner = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  let abandon = (): void => undefined
  const cut = new Promise<never>((_, reject) => {
    const end = (error: AppError): void => {
      reject(error)
      inner.abort(error)
    }
    abandon = () => end(new AppError("abandoned", "not waited for any longer", { remedy: "retry" }))
    timer = setTimeout(() => end(new AppError("timeout", `no answer within ${Math.ceil(ms / 1000)} s`, { remedy: "retry" })), ms)
  })
  if (outer.some((signal) => signal?.aborted === true)) abandon()
  else for (const signal of outer) signal?.addEventListener("abort", abandon)
  try {
    return await Promise.race([cut, act(inner.signal)])
  } finally {
    clearTimeout(timer)
    for (const signal of outer) signal?.removeEventListener("abort", abandon)
  }
}
