import { driftRemedy } from "../../core/drift.ts"
import type { Finding } from "../../core/ports.ts"

/** A login that the server refuses: whose, and what a person does about it. */

/** `label`: "production/postgres". `who`: "role shop", "user shop". */
export function ownRefused(label: string, who: string, detail: string): Finding {
  return {
    code: "password-refused",
    severity: "error",
    says: `the server refuses the current value of ${label}, the password of ${who}${detail}`,
    remedy: driftRemedy(label),
  }
}

export function adminRefused(says: string, user: string): Finding {
  return {
    code: "password-refused",
    severity: "error",
    says,
    remedy: `it is the password of the admin, ${user}: correct what the config names for it`,
  }
}
