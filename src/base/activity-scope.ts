/**
 * Counts the acts under way. What they keep open between them is closed when the last one leaves.
 */
export class ActivityScope {
  #present = 0
  readonly #ends = new Set<() => Promise<void> | void>()

  get runs(): boolean {
    return this.#present > 0
  }

  /**
   * The caller calls what this returns once, when its act is done. It resolves when what was kept
   * open has ended, if this act was the last.
   */
  join(): () => Promise<void> {
    this.#present++
    return async () => {
      this.#present--
      if (this.#present === 0) await Promise.all([...this.#ends].map((end) => end()))
    }
  }

  /** `end` is called each time the last act leaves; it never throws, and takes a moment at most. */
  atEnd(end: () => Promise<void> | void): void {
    this.#ends.add(end)
  }
}
