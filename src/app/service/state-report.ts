import { type Owing, owingIn } from "../../core/unwritten.ts"
import type { StateDocument } from "../../core/state.ts"
import { type UncontainedSecret, uncontainedSecrets } from "../../plan/uncontained.ts"
import type { ServiceEvents } from "./events.ts"

type Events = Pick<ServiceEvents, "uncontained" | "unwritten">

/**
 * Tells what a containment has left in one environment: once a change, and at the start. Runs do
 * not tell it: one thing no run ends, and the other each run tries again, mostly in vain.
 */
export class StateReport {
  readonly #events: Events
  readonly #environment: string
  /** What was last told, as text. */
  #uncontained = ""
  #unwritten = ""

  constructor(events: Events, environment: string) {
    this.#events = events
    this.#environment = environment
  }

  tell(document: StateDocument | undefined, now: Date): void {
    this.#tellUncontained(uncontainedSecrets(document, now))
    this.#tellUnwritten(owingIn(document))
  }

  #tellUncontained(left: readonly UncontainedSecret[]): void {
    // The clock of now judges since when it is so: another time alone is nothing new.
    const text = textOf(left.map(({ secret, incident, code }) => [secret, incident, code]))
    if (text !== "" && text !== this.#uncontained) this.#events.uncontained(this.#environment, left)
    this.#uncontained = text
  }

  #tellUnwritten(left: readonly Owing[]): void {
    const text = textOf(left)
    if (text !== "" && text !== this.#unwritten) this.#events.unwritten(this.#environment, left)
    this.#unwritten = text
  }
}

function textOf(facts: readonly unknown[]): string {
  return facts.length === 0 ? "" : JSON.stringify(facts)
}
