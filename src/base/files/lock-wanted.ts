import { closeSync, constants, futimesSync, openSync, rmSync, statSync } from "node:fs"
import type { Host } from "../system/host.ts"
import { type HeldLock, takeLock } from "./lock.ts"

/**
 * Asking the holder of a lock to let go: a waiting process touches a file beside the lock, again
 * and again.
 */

/** When `told` is called again while the lock is still held, and how often from then on (ms). */
const toldAgainMs = 30_000
const toldEveryMs = 60_000

/** `told`: at once, then again and again, with how long was waited (ms). */
export type Wait = {
  readonly holder: string
  readonly host: Host
  readonly stop: AbortSignal
  readonly told: (heldBy: string, waitedMs: number) => void
}

/**
 * Takes the lock, as `takeLock` does, and asks its holder to let go between two steps; waits for
 * that as long as it takes, or until `stop`.
 */
export async function demandLock(
  path: string,
  { holder, host, stop, told }: Wait,
): Promise<HeldLock | { readonly heldBy: string }> {
  const began = host.monotonicMs()
  for (let tellAt = 0; ; ) {
    const lock = await takeLock(path, holder)
    if (!("heldBy" in lock)) {
      rmSync(wantedPath(path), { force: true })
      return lock
    }
    if (stop.aborted) return lock
    const waitedMs = host.monotonicMs() - began
    if (waitedMs >= tellAt) {
      told(lock.heldBy, tellAt === 0 ? 0 : waitedMs)
      tellAt = tellAt === 0 ? toldAgainMs : waitedMs + toldEveryMs
    }
    want(path, host.now())
    await host.pause(askAgainMs, stop)
  }
}

function want(path: string, now: Date): void {
  const file = openSync(
    wantedPath(path),
    constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW,
    0o600,
  )
  try {
    futimesSync(file, now, now)
  } finally {
    closeSync(file)
  }
}

/**
 * How often (ms) a waiting process says so again; within how long (ms) the holder must hear it
 * twice.
 */
const askAgainMs = 100
const heardTwiceMs = 500

/**
 * Does another process wait for a lock that we hold? Yes, once it has said so twice within a short
 * time. A process that gave up, or was killed, says it no more: a holder that was stopped (SIGSTOP)
 * finds one old request when it wakes, but no second.
 */
export class Wanted {
  readonly #path: string
  readonly #host: Pick<Host, "monotonicMs">
  #said: number | undefined
  #heardAt: number | undefined

  constructor(lock: string, host: Pick<Host, "monotonicMs">) {
    this.#path = wantedPath(lock)
    this.#host = host
    this.#said = this.#read()
  }
  /** To be asked again and again. */
  poll(): boolean {
    const said = this.#read()
    if (said === undefined || said === this.#said) return false
    const now = this.#host.monotonicMs()
    const before = this.#heardAt
    this.#said = said
    this.#heardAt = now
    return before !== undefined && now - before <= heardTwiceMs
  }
  #read(): number | undefined {
    return statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs
  }
}

function wantedPath(path: string): string {
  return `${path}-wanted`
}
