/** A process that may be cut at an instant; what it does after its cut never ends. */
export class Process {
  instants = 0
  dead = false
  /** Outputs that could not be written. */
  readonly refused = new Set<string>()
  readonly cutAt: number
  readonly onCut: () => void
  readonly #beside: (instant: number) => void
  constructor(cutAt: number, onCut: () => void, beside: (instant: number) => void) {
    this.cutAt = cutAt
    this.onCut = onCut
    this.#beside = beside
  }
  /** An instant at which the process may end. */
  async instant(): Promise<void> {
    if (!this.dead) this.#beside(this.instants)
    if (!this.dead && this.instants++ === this.cutAt) {
      this.dead = true
      this.onCut()
    }
    if (this.dead) await new Promise(() => undefined)
  }
}
