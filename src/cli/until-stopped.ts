import { AppError } from "../base/error.ts"

/**
 * What only reads or waits ends at once when we are asked to stop, whatever it is in the middle of:
 * its answer is not waited
 * for any longer. Never around what must not end half-way: a line of the log, or a mode that check
 * --fix mends, is whole or not there.
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
