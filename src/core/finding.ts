/** One thing found, in preflight or in check. `code` is explained by `mycelium explain CODE`. */
export type Finding = {
  readonly code: string
  readonly severity: "error" | "warning" | "info"
  readonly message: string
  readonly remedy?: string
  /** An error that does not keep a secret out of a containment: what it finds is what that ends. */
  readonly yields?: true
  /** With `yields`: until the containment has set its value, no login tells anything. */
  readonly silences?: true
  /** It keeps sessions that are open from being ended. */
  readonly sessions?: true
}
