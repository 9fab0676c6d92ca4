import type { AuditEvent } from "../../core/audit-line.ts"
import type { OffOutput, Patch } from "../../core/state.ts"
import type { Acting } from "../../core/run-mark.ts"
import type { ChangeSet } from "../../core/change-set.ts"

export type Commit = {
  readonly patches?: Readonly<Record<string, Patch>>
  /** null ends the change set; left out, it stays. */
  readonly changeSet?: ChangeSet | null
  /** Left out, they stay. */
  readonly deferred?: readonly ChangeSet[]
  /**
   * By target: the fingerprint of what an output holds now because we wrote it; null: it is gone.
   */
  readonly written?: Readonly<Record<string, string | null>>
  /** By target: what it shows that is not as it should be; null: nothing is wrong any more. */
  readonly offOutputs?: Readonly<Record<string, OffOutput | null>>
  readonly events?: readonly AuditEvent[]
  /** Where a program was begun that no journal tells of; null: it is over. */
  readonly acting?: Acting | null
  /** Journals of which no program runs any more. */
  readonly leaves?: readonly string[]
  /**
   * From now on programs of the journal run where this run lives: what ran elsewhere can be seen
   * from here, or is over.
   */
  readonly takesOver?: boolean
  /** Also append the events to the log before going on. */
  readonly flush?: boolean
}
