/**
 * As long as someone is at work. What they keep open between two acts ends with the last of them.
 */
export class ActivityScope {
  #present = 0
  readonly #ends = new Set<() => void>()

  get runs(): boolean {
    return this.#present > 0
  }

  /** Call what it returns when done, once. */
  join(): () => void {
    this.#present++
    return () => {
      this.#present--
      if (this.#present === 0) for (const end of this.#ends) end()
    }
  }

  /** `end` is called each time that nobody is left. */
  atEnd(end: () => void): void {
    this.#ends.add(end)
  }
}
