import { present } from "./present.ts"

/** What the one who gets the error should do next. `retry`: it may pass by itself. */
export type Remedy = "retry" | "give-up" | "ask-operator"

/**
 * The one error class. `code` is stable and explained by `mycelium explain CODE`; the message is
 * lower case, without a full stop, and built outside-in ("production/postgres: apply: …"). It never
 * quotes a value, a parser or a server.
 */
export class AppError extends Error {
  readonly code: string
  readonly remedy: Remedy
  readonly hint: string | undefined
  constructor(
    code: string,
    message: string,
    options: { readonly remedy?: Remedy; readonly hint?: string } = {},
  ) {
    super(message)
    this.name = "AppError"
    this.code = code
    this.remedy = options.remedy ?? "ask-operator"
    this.hint = options.hint
  }

  /** The same error, said from one place further out. */
  within(place: string): AppError {
    const outer = new AppError(this.code, `${place}: ${this.message}`, {
      remedy: this.remedy,
      ...present({ hint: this.hint }),
    })
    return outer
  }
}

export type ErrorDescription = {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** What may be told of any error: of one that is not ours, which could quote a value, only that. */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof AppError))
    return { code: "internal", message: "an unexpected error inside mycelium" }
  const { code, message, hint } = error
  return { code, message, ...present({ hint }) }
}

/** The system's own word for a failed call ("ENOSPC"), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined
  return typeof error.code === "string" ? error.code : undefined
}
