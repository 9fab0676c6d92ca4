/** What a delete is asked for, and what became of each secret. */

export type DeleteOptions = {
  /** Left out: every secret of the environment. */
  readonly secrets?: readonly string[]
  /** Leave the login at the service as it is: only our copies go. */
  readonly keepLogin: boolean
  /** A person has ended the login at the service, or another secret has it now. */
  readonly loginEnded?: boolean
}
export type LoginFate = "ends" | "kept" | "ended" | "none"
/** `stay`: they were not asked about. `unknown`: nothing here can end them, or see them. */
export type Sessions =
  | { readonly kind: "ended"; readonly count: number }
  | { readonly kind: "stay" | "unknown" }
export type Deleted =
  | {
      readonly kind: "erased"
      readonly login: LoginFate
      /** If its login ended. */
      readonly sessions?: Sessions
      readonly outputs: readonly Change[]
      readonly versions: number
    }
  /** There was nothing of it. */
  | { readonly kind: "unknown" }
  | NotErased
/**
 * Nothing of this secret was touched, or `unproven`: its login could not be proven dead, and all
 * the rest is as it was.
 */
export type NotErased = {
  readonly kind: "refused" | "unproven"
  /** Its login is dead, and sessions may be open. */
  readonly sessions?: true
  readonly code: string
  readonly message: string
  readonly hint?: string
}
export type Change = { readonly target: string; readonly variables: readonly string[] }
export type Deletions = Readonly<Record<string, Deleted>>
