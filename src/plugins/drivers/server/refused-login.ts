import { driftRemedy } from "../../../core/drift.ts"
import { AppError } from "../../../base/error.ts"
import type { Finding } from "../../../core/ports.ts"

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

/**
 * An admin who was to look for an answer could not: what passes by itself is no answer now; the
 * rest is said by name, for only a person can see to it.
 */
export function throwForPerson(error: unknown, admin: string): void {
  if (error instanceof AppError && error.remedy === "retry") return
  if (!(error instanceof AppError) || error.code !== "password-refused") throw error
  throw new AppError(error.code, error.message, {
    hint: `it is the password of the admin, ${admin}: correct what the config names for it`,
  })
}

export function adminRefused(says: string, user: string): Finding {
  return {
    code: "password-refused",
    severity: "error",
    says,
    remedy: `it is the password of the admin, ${user}: correct what the config names for it`,
  }
}
