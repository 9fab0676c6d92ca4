import type { Host } from "../../base/system/host.ts"

/** At most this many environments begin in a minute with what came due while the service was off. */
const perMinute = 30
const minuteMs = 60_000

/** A start after a long time off catches up little by little: not every program restarts at once. */
export class CatchUp {
  readonly #host: Host
  readonly #startedAt: number
  #left = perMinute
  #minuteBegan: number

  constructor(host: Host) {
    this.#host = host
    this.#startedAt = host.now().getTime()
    this.#minuteBegan = host.monotonicMs()
  }

  /**
   * May an environment begin now that has been due since then? If it came due while the service was
   * off, that takes one of the places of this minute.
   */
  admits(dueSince: number): boolean {
    if (dueSince >= this.#startedAt) return true
    const now = this.#host.monotonicMs()
    if (now - this.#minuteBegan >= minuteMs) {
      this.#left = perMinute
      this.#minuteBegan = now
    }
    if (this.#left === 0) return false
    this.#left--
    return true
  }
}
