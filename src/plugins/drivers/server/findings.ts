import { AppError } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"
import { driftRemedy } from "../../../core/drift.ts"
import type { Finding } from "../../../core/ports.ts"

/** What a preflight says: each kind of failure by one code, whatever the service. */

/** An error that keeps the secret out of the change set. */
export function problem(code: string, message: string, remedy?: string): Finding {
  return { code, severity: "error", message, ...present({ remedy }) }
}

/** Of what keeps sessions from being ended. */
export function sessionNote(code: string, message: string, remedy: string): Finding {
  return { code, severity: "info", sessions: true, message, remedy }
}

/**
 * Why an account cannot be rotated as it is: a finding before, and an error where it is changed.
 */
export type Unfit = { readonly code: string; readonly message: string; readonly hint: string }

export function unfitFinding({ code, message, hint }: Unfit): Finding {
  return problem(code, message, hint)
}

export function unfitError({ code, message, hint }: Unfit, place: string): AppError {
  return new AppError(code, `${place}: ${message}`, { hint })
}

/**
 * An error that a preflight met, as a finding. An error that may pass by itself is thrown on.
 * `refused`: whose login it is, if the server refuses one.
 */
export function findingOf(error: unknown, refused?: (message: string) => Finding): Finding {
  if (!(error instanceof AppError) || error.remedy === "retry") throw error
  return refused !== undefined && isRefusedLogin(error)
    ? refused(error.message)
    : problem(error.code, error.message, error.hint)
}

/** The server has clearly refused the password of a login. */
export function isRefusedLogin(error: unknown): boolean {
  return error instanceof AppError && error.code === "password-refused"
}

/** `label`: "production/postgres". `who`: "role shop", "user shop". */
export function ownRefused(label: string, who: string, detail: string): Finding {
  return problem(
    "password-refused",
    `the server refuses the current value of ${label}, the password of ${who}${detail}`,
    driftRemedy(label),
  )
}

export function adminRefused(message: string, user: string): Finding {
  return problem("password-refused", message, adminRemedy(user))
}

/**
 * The admin could not look. An error that may pass by itself counts as no answer; any other is
 * thrown, for only a person can correct it.
 */
export function throwForPerson(error: unknown, admin: string): void {
  if (error instanceof AppError && error.remedy === "retry") return
  if (!(error instanceof AppError) || !isRefusedLogin(error)) throw error
  throw new AppError(error.code, error.message, { hint: adminRemedy(admin) })
}

function adminRemedy(user: string): string {
  return `it is the password of the admin, ${user}: correct what the config names for it`
}
