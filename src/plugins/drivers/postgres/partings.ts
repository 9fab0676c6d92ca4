/**
 * Logins whose answer is known and whose server has not hung up yet. Nobody waits for that while
 * programs are locked out; the next login of ours finds the seat free again, for a role may have one
 * only.
 */
export class Partings {
  readonly #under = new Set<Promise<void>>()

  /** `gone`: resolves once the server has hung up; never rejects. */
  add(gone: Promise<void>): void {
    this.#under.add(gone)
    void gone.then(() => this.#under.delete(gone))
  }

  /** Resolves once all have gone. */
  async over(): Promise<void> {
    if (this.#under.size > 0) await Promise.all(this.#under)
  }
}
