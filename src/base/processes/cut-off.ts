import { endSession } from "./process-session.ts"
import { countDown } from "./run-time.ts"

export type CutOptions = {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** Between TERM and KILL; 3 s if left out. */
  readonly graceMs?: number
}
export type Exit = {
  /** The exit code; undefined where a signal ended it. */
  readonly code: number | undefined
  readonly signal: string | undefined
}
type Cut = {
  /**
   * Resolves if even KILL does not end the program (it hangs in the kernel): we must not hang with
   * it.
   */
  readonly gaveUp: Promise<Exit>
  /**
   * Why it was cut, if it was. From here on nothing is ended any more: a daemon that a finished
   * program left lives on.
   */
  stop(): "timeout" | "abort" | undefined
  /**
   * Resolves when an ending that has begun is over: the first process may be gone before its
   * children.
   */
  finished(): Promise<void>
}

/**
 * Ends a program, with its whole session, once its time (counted only while this process runs) is
 * over or `signal` aborts.
 */
export function cutOff(pid: number | undefined, options: CutOptions): Cut {
  let why: "timeout" | "abort" | undefined
  let ending: Promise<boolean> | undefined
  const giveUp = Promise.withResolvers<Exit>()
  const cut = (reason: "timeout" | "abort"): void => {
    if (ending !== undefined || pid === undefined) return
    why = reason
    ending = endSession(pid, options.graceMs ?? 3000)
    void ending
      .then(() => Bun.sleep(500))
      .then(() => giveUp.resolve({ code: undefined, signal: undefined }))
  }
  const callOff = countDown(options.timeoutMs, () => cut("timeout"))
  const abort = (): void => cut("abort")
  options.signal?.addEventListener("abort", abort)
  // It may have aborted while the program was being started.
  if (options.signal?.aborted) abort()
  return {
    gaveUp: giveUp.promise,
    finished: async () => void (await ending),
    stop: () => {
      callOff()
      options.signal?.removeEventListener("abort", abort)
      return why
    },
  }
}
