import type { StateDocument } from "../../core/state.ts"
import type { AuditEntry } from "../../record/audit-read.ts"

/** One environment, as far as it can be read. */
export type Source = {
  readonly environment: string
  readonly document: StateDocument | undefined
  /** Why the state could not be read. */
  readonly unreadable?: { readonly code: string; readonly message: string }
  /**
   * The state is not as mycelium wrote it, or the log does not follow from its beginning to what
   * the state knows.
   */
  readonly forged?: { readonly code: string; readonly message: string }
  /** Those lines that are wanted, the oldest first. */
  readonly entries: readonly AuditEntry[]
  readonly log: { readonly lines: number; readonly head: string; readonly begins?: string }
  /** Every incident that the log names. */
  readonly incidents: readonly string[]
}
