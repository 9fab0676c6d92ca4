/**
 * How far (ms) the wall clock may move against the time that really passed: after more, nothing is due
 * until it has run true for `provesMs`.
 */
export const leapMs = 86_400_000
export const provesMs = 600_000
/** A step of at least this (ms) has every state looked at anew; slewing is slower. */
const stepMs = 2000

/**
 * Compares the wall clock with a clock that cannot leap. After a leap of more than a day nothing is
 * due until the wall clock has run true for ten minutes: a wrong clock must not make every secret
 * overdue at once.
 */
export class Steadiness {
  #offset: number | undefined
  #leaptAt: number | undefined
  #doubted = false
  /** Was the clock stepped since the last look, if only by seconds? */
  stepped = false

  /**
   * The state knows of times that have not come: the clock is behind, or was ahead then. Nothing is
   * due until it has run true for as long as after a leap; once is enough.
   */
  doubt(monotonicMs: number): void {
    if (this.#doubted) return
    this.#doubted = true
    this.#leaptAt = monotonicMs
  }

  /** Looks at both clocks (ms); true if what is due by the wall clock is really due. */
  observe(wallMs: number, monotonicMs: number): boolean {
    const offset = wallMs - monotonicMs
    this.stepped = this.#offset !== undefined && Math.abs(offset - this.#offset) > stepMs
    if (this.#offset !== undefined && Math.abs(offset - this.#offset) > leapMs)
      this.#leaptAt = monotonicMs
    this.#offset = offset
    if (this.#leaptAt !== undefined && monotonicMs - this.#leaptAt >= provesMs)
      this.#leaptAt = undefined
    return this.#leaptAt === undefined
  }
}
