import type { ChangeSet, Containment } from "../core/change-set.ts"
import type { Due } from "../core/due.ts"

/** What a rotation is asked for. */
export type Order = {
  readonly secrets: readonly string[]
  readonly why: ChangeSet["why"]
  /** By secret, of those that are due: since when, and by what. */
  readonly due?: Readonly<Record<string, Due>>
  readonly reason?: string
  /** Ties runs together, in state, log and report. */
  readonly incident?: string
  /**
   * A fresh value, no way back, no grace, no session of before. `longRetries`: silent servers
   * are waited for.
   */
  readonly contain?: Pick<Containment, "revokeFirst"> & { readonly longRetries?: true }
  /** They leave a rotation that is not finished, and has made way for this containment. */
  readonly overtakes?: readonly string[]
  /** Nothing follows: what is asked may write nothing. */
  readonly trial?: true
  /**
   * In a trial: what the act itself would take away before it rotates, so that it is not in the way
   * then.
   */
  readonly takenFirst?: TakenFirst
}
/** Versions, as `takenKey` names them; secrets whose containment still owes an expulsion. */
export type TakenFirst = {
  readonly versions: ReadonlySet<string>
  readonly expels: ReadonlySet<string>
}
export function takenKey(secret: string, version: string): string {
  return `${secret} ${version}`
}
