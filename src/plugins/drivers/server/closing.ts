/**
 * Connections that were told to end and whose server has not hung up yet. Programs that are locked
 * out do not wait for that; but an account may have one session only, so our next login
 * does, and a restart that is about to begin.
 */
export class ClosingConnections {
  readonly #open = new Set<Promise<void>>()

  /** `gone` resolves once the server has hung up; it never rejects. */
  add(gone: Promise<void>): void {
    this.#open.add(gone)
    void gone.then(() => this.#open.delete(gone))
  }

  /** One of them may still take a seat at the server. */
  get mayHoldSeat(): boolean {
    return this.#open.size > 0
  }

  /** Resolves once every server has hung up. */
  async drained(): Promise<void> {
    if (this.#open.size > 0) await Promise.all(this.#open)
  }
}
