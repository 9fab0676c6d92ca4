import type { Host } from "../../base/system/host.ts"
import { Steadiness } from "../../plan/steady.ts"
import type { ServiceEvents } from "./events.ts"

/**
 * The clocks and the state files are looked at no less often (ms): clocks leap, and other processes
 * leave work in a state.
 */
export const lookAgainMs = 60_000

/** Does the wall clock run true? Tells when the answer changes. */
export class ClockWatch {
  readonly #host: Host
  readonly #events: Pick<ServiceEvents, "clock">
  readonly #steadiness = new Steadiness()
  #isSteady = true

  constructor(host: Host, events: Pick<ServiceEvents, "clock">) {
    this.#host = host
    this.#events = events
  }

  /** If not, nothing is due. */
  get isSteady(): boolean {
    return this.#isSteady
  }

  /** Compares the clocks; true if the wall clock was stepped since the last time. */
  look(): boolean {
    this.#observe("clock-leapt")
    return this.#steadiness.stepped
  }

  /** A state knows of times that have not come. */
  doubt(): void {
    this.#steadiness.doubt(this.#host.monotonicMs())
    this.#observe("clock-behind")
  }

  #observe(code: "clock-leapt" | "clock-behind"): void {
    const isSteady = this.#steadiness.observe(this.#host.now().getTime(), this.#host.monotonicMs())
    if (isSteady !== this.#isSteady) this.#events.clock(isSteady, code)
    this.#isSteady = isSteady
  }
}
