import { AppError } from "../../base/error.ts"
import { filesAtOnce, mapConcurrently } from "../../base/semaphore.ts"
import { defineCheck } from "./check.ts"

/**
 * With the keys of the store: was a state edited, swapped, or put back from a backup? No value is
 * opened.
 */

export type Sealed = {
  /** Why the keys cannot be opened; undefined: they are open, or nothing is sealed yet. */
  readonly closed: unknown
  /** The store belongs to the user that looks: an identity that they lack is missing. */
  readonly mine: boolean
  /** By environment: throws what is wrong with its state. */
  readonly verify: Readonly<Record<string, () => Promise<void>>>
  /** How many identities only open what is not sealed anew yet. */
  readonly retired?: number
}

/** Faults of the machine that looks, not of what it looks at. */
export const notOpenHere = [
  "identity-missing",
  "identity-open",
  "reference-missing",
  "reference-empty",
  "program-missing",
  "program-failed",
  "program-timeout",
  "file-unreadable",
]

export const seal = defineCheck({
  name: "seal",
  faults: {
    "not-verified": {
      severity: "warning",
      remedy: "run check as the user that has the identity, or name it with identity in the config",
    },
    "rekey-unfinished": {
      severity: "warning",
      remedy: "mycelium rekey finishes it, or says what still needs the old identity",
    },
  },
  inspect: async ({ closed, mine, verify, retired = 0 }: Sealed, report) => {
    if (retired > 0)
      report.found(
        "rekey-unfinished",
        `${retired === 1 ? "an old identity is" : `${retired} old identities are`} still ` +
          "beside the new one: anyone who has stolen it can open what is not sealed anew",
      )
    if (closed !== undefined) {
      if (
        closed instanceof AppError &&
        notOpenHere.includes(closed.code) &&
        !(mine && closed.code === "identity-missing")
      )
        report.found(
          "not-verified",
          `states and outputs were not verified, for the keys cannot be opened: ${closed.message}`,
        )
      else report.failed(closed)
      return ""
    }
    await mapConcurrently(filesAtOnce, Object.entries(verify), ([name, act]) =>
      act().catch((error: unknown) => report.failed(error, name)),
    )
    const count = Object.keys(verify).length
    return count === 0
      ? "nothing is sealed yet"
      : `${count} state${count === 1 ? " is" : "s are"} as mycelium wrote ` +
          `${count === 1 ? "it" : "them"}, none older than its audit log, ` +
          "each of which follows line by line"
  },
})
