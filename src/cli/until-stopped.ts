import { AppError } from "../base/error.ts"

/**
 * Ends an act that only reads or waits at once when mycelium is asked to stop, without waiting for
 * its answer. Never use it around an act that must not end half-way. (A line of the log, or a mode
 * that check --fix corrects, is written whole or not at all.)
 */
export async function untilStopped<T>(
  stop: AbortSignal,
  message: string,
  act: () => Promise<T>,
): Promise<T> {
  const stopped = (): AppError =>
    new AppError("stopped", `interrupted${message}`, { remedy: "retry" })
  if (stop.aborted) throw stopped()
  let end = (): void => undefined
  const asked = new Promise<never>((_, reject) => {
    end = () => reject(stopped())
    stop.addEventListener("abort", end)
  })
  try {
    return await Promise.race([asked, act()])
  } finally {
    stop.removeEventListener("abort", end)
  }
}
