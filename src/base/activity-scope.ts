/**
 * Counts the acts under way. What they keep open between them is closed when the last one leaves.
 */
export class ActivityScope {
  #present = 0
  readonly #ends = new Set<() => void>()

  get runs(): boolean {
    return this.#present > 0
  }

  /** The caller calls what this returns once, when its act is done. */
  join(): () => void {
    this.#present++
    return () => {
      this.#present--
      if (this.#present === 0) for (const end of this.#ends) end()
    }
  }

  /** `end` is called each time the last act leaves. */
  atEnd(end: () => void): void {
    this.#ends.add(end)
  }
}
