/**
 * What the program asks of the machine besides files and sockets. Built once in main.ts, replaced
 * in tests.
 */
export interface Host {
  now(): Date
  /** Milliseconds that passed since some instant; never leaps. */
  monotonicMs(): number
  /**
   * Resolves after `ms` milliseconds or when `signal` aborts, whichever is first; never rejects.
   */
  pause(ms: number, signal?: AbortSignal): Promise<void>
  /** `count` bytes from the operating system's generator. */
  random(count: number): Uint8Array
  /** One variable of our own environment. */
  env(name: string): string | undefined
}

/** setTimeout fires at once beyond 2^31-1 ms; no wait here is longer. */
const longest = 2 ** 31 - 1

/** The real machine. */
export function realHost(env: Readonly<Record<string, string | undefined>>): Host {
  return {
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    random: (count) => crypto.getRandomValues(new Uint8Array(count)),
    env: (name) => env[name],
    pause: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const done = (): void => {
          clearTimeout(timer)
          signal?.removeEventListener("abort", done)
          resolve()
        }
        const timer = setTimeout(done, Math.min(Math.max(ms, 0), longest))
        signal?.addEventListener("abort", done)
      }),
  }
}
