import { pauseFor } from "../base/deadline.ts"
import { driverOf } from "./ask.ts"
import type { Session } from "./session.ts"

/**
 * How long (ms) the others are waited for once a service has ended its old value: programs cannot
 * log in until they restart.
 */
const stragglerMs = 3000
/**
 * In an incident many secrets may queue for one server, which is no silence: up to this many
 * periods, unless the running act hangs.
 */
const turnsMost = 4

/**
 * Ends the wait for the others, counted from the first one-value service that has its new value; in
 * an incident from the last that came, whatever its kind.
 */
export class Stragglers {
  readonly #session: Session
  /** Those of whom nothing is known yet. */
  readonly #missing: () => readonly string[]
  readonly #waiting = new AbortController()
  #counting = new AbortController()
  #begun = false

  constructor(session: Session, missing: () => readonly string[]) {
    this.#session = session
    this.#missing = missing
  }
  get signal(): AbortSignal {
    return this.#waiting.signal
  }
  came(name: string, verdict: { readonly kind: string }): void {
    if (
      !this.#session.strategy.waitsFromLastAnswer &&
      (this.#begun || verdict.kind !== "proven" || driverOf(this.#session, name).overlap !== "one")
    )
      return
    this.#begun = true
    this.count()
  }
  count(): void {
    this.#counting.abort()
    const counting = new AbortController()
    this.#counting = counting
    void this.#countDown(counting.signal)
  }
  async #countDown(signal: AbortSignal): Promise<void> {
    const { work, acts } = this.#session
    const most = this.#session.strategy.waitsFromLastAnswer ? turnsMost : 1
    for (let times = 0, hangs = false; times < most && !hangs; times++) {
      const before = new Map(acts)
      await pauseFor(work.host, stragglerMs, signal)
      if (signal.aborted) return
      hangs = this.#missing().some((name) => acts.has(name) && acts.get(name) === before.get(name))
    }
    this.#waiting.abort()
  }
  end(): void {
    this.#counting.abort()
  }
}
