/**
 * Who listens at an address of this machine: the uid of the process that answers, or that it cannot
 * be told from here.
 */
export type Listener = number | "hidden"

/**
 * By address, for one secret: who listened when its value was last taken over or proven, and who
 * was seen to since.
 */
export class Listeners {
  readonly #noted: Readonly<Record<string, Listener>>
  readonly #seen = new Map<string, Listener>()

  constructor(noted: Readonly<Record<string, Listener>> = {}) {
    this.#noted = noted
  }

  /** At the first contact it is not known. */
  expected(address: string): Listener | undefined {
    return this.#noted[address] ?? this.#seen.get(address)
  }

  saw(address: string, listener: Listener): void {
    this.#seen.set(address, listener)
  }

  /** undefined if no listener was looked at. */
  get seen(): Readonly<Record<string, Listener>> | undefined {
    return this.#seen.size === 0 ? undefined : Object.fromEntries([...this.#seen].toSorted())
  }

  /** What was seen is not what was noted. */
  get changed(): boolean {
    return [...this.#seen].some(([address, listener]) => this.#noted[address] !== listener)
  }
}
