import { AppError } from "../base/error.ts"
import { defineCheck } from "./check.ts"

/** With the keys of the store: was a state edited, swapped, or put back from a backup? No value is opened. */

export type Sealed = {
  /** Why the keys cannot be opened; undefined: they are open, or nothing is sealed yet. */
  readonly closed: unknown
  /** By environment: throws what is wrong with its state. */
  readonly verify: Readonly<Record<string, () => Promise<void>>>
}

/** Faults of the machine that looks, not of what it looks at. */
const ours = ["identity-missing", "identity-open", "reference-missing", "reference-empty", "program-missing", "program-failed", "program-timeout", "file-unreadable"]

export const seal = defineCheck({
  name: "seal",
  faults: {
    "not-verified": { severity: "warning", remedy: "run check as the user that has the identity, or name it with identity in the config" },
  },
  look: async ({ closed, verify }: Sealed, report) => {
    if (closed !== undefined) {
      if (closed instanceof AppError && ours.includes(closed.code)) report.found("not-verified", `states and outputs were not verified, for the keys cannot be opened: ${closed.message}`)
      else report.failed(closed)
      return ""
    }
    await Promise.all(Object.entries(verify).map(([name, act]) => act().catch((error: unknown) => report.failed(error, name))))
    const count = Object.keys(verify).length
    return count === 0 ? "nothing is sealed yet" : `${count} state${count === 1 ? " is" : "s are"} as mycelium wrote ${count === 1 ? "it" : "them"}, none older than its audit log`
  },
})
