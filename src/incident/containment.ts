import type { SlowReaders } from "../app/slow-readers.ts"
import type { ChangeSet } from "../core/change-set.ts"
import type { Revoked } from "../rotate/revoke/revoked.ts"
import type { Outcomes } from "../rotate/work.ts"
import type { Asked } from "./ask-held.ts"
import type { Leaked } from "./shown-leaked.ts"
import type { ContainmentVerdicts } from "./verdict.ts"

/** A containment as data: what is asked for, what was done, how it stands. */

export type Contain = {
  /** Ties runs together: what was contained under it is not touched again. */
  readonly incident: string
  readonly revokeFirst: boolean
  readonly reason?: string
  /** When the command was given; left out: with its first line of the log. */
  readonly asked?: string
}
export type Contained = {
  readonly environment: string
  /** Rotations that could not be ended now: they stay as they are, and are gone on with later. */
  readonly open: readonly Open[]
  /** What became of a rotation that was under way. */
  readonly recovered: Outcomes
  readonly outcomes: Outcomes
  readonly revoked: readonly Revoked[]
  /** Contained by an earlier run of the same incident: nothing was done. */
  readonly before: readonly string[]
  /** What their services said of them now. */
  readonly asked: Asked
  /** Programs that an earlier run has left unhealthy, and that still are, by secret. */
  readonly unhealthy: Readonly<Record<string, string>>
  /** Outputs that show a value which a containment took away. */
  readonly shows: readonly Leaked[]
  /** How each secret that was chosen stands now. */
  readonly secrets: ContainmentVerdicts
  /** Of the secrets that got a value: no output shows them, so no program can know it. */
  readonly unshown?: readonly string[]
  /** Of the secrets that got a value: programs that go on for a while with the old one. */
  readonly slowReaders?: readonly SlowReaders[]
  /** How far (ms) the state is ahead of the clock still: one of the two is, or was, wrong. */
  readonly aheadMs?: number
  /** Why nothing could be done in this environment. */
  readonly failed?: { readonly code: string; readonly message: string; readonly hint?: string }
  /** The state does not know that these were chosen: neither status nor check will tell of it. */
  readonly unnoted?: true
}

export type Open = Pick<ChangeSet, "startedAt" | "direction" | "secrets">

/** What was done, before anyone says how each secret stands. */
export type Acted = Omit<Contained, "open" | "unhealthy" | "shows" | "secrets" | "aheadMs">

/** What is to be contained in one environment; `secrets` left out: all of it. */
export type Task = {
  readonly secrets: readonly string[] | undefined
  /** All that was chosen, as words of the command line; for the log. */
  readonly selection: readonly string[] | undefined
  readonly options: Contain
}
/** Without what the log alone wants to know. */
export type Chosen = Pick<Task, "secrets" | "options">
