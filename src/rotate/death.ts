import type { Credential } from "../core/ports.ts"
import type { SessionsLeft } from "../core/state.ts"
import { probe, unclear } from "./ask.ts"
import type { Session } from "./session.ts"

export type Death =
  /**
   * `notes`: what a person must know besides. `expelled`: a containment has ended by it, except for
   * the sessions that it names.
   */
  | {
      readonly kind: "dead"
      readonly sessionsEnded: number
      readonly notes?: readonly string[]
      /** Servers where it was accepted and that were not asked, for the config does not name them. */
      readonly unasked?: readonly string[]
      readonly expelled?: {
        readonly sessionsLeft?: SessionsLeft
        /** The current value was set again: since when the service has it. */
        readonly acceptedAt?: string
      }
    }
  /** Still accepted although it was taken away. */
  | {
      readonly kind: "alive"
      readonly code: string
      readonly message: string
      readonly hint?: string
    }
  | {
      readonly kind: "owed"
      readonly code: string
      readonly message: string
      readonly hint?: string
    }

export const noCurrent: Death = {
  kind: "owed",
  code: "no-current",
  message: "there is no current value to prove the death by",
}

export type Old = { readonly id: string; readonly old: Credential }

/** Undefined where a login with each of these is refused, and the same login works with `live`. */
export async function notDead(
  session: Session,
  name: string,
  dead: readonly Old[],
  live: Credential,
): Promise<Death | undefined> {
  const ids = dead.map(({ id }) => id).join(", ")
  for (const { id, old } of dead) {
    const answer = await probe(session, name, old)
    if (answer === "accepted")
      return { kind: "alive", code: "not-proven-dead", message: `the service still accepts ${id}` }
    if (answer === "unknown")
      return {
        kind: "owed",
        code: "no-answer",
        message: unclear(session, name, `the service gives no clear answer about ${id}`),
      }
  }
  if ((await probe(session, name, live)) === "accepted") return undefined
  return {
    kind: "owed",
    code: "no-counter-proof",
    message:
      dead.length === 0
        ? "the service does not accept the current value"
        : `the service refuses ${ids}, but does not accept the current value either`,
  }
}
