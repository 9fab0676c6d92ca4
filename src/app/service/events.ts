import type { UncontainedSecret } from "../../plan/uncontained.ts"
import type { StateDocument } from "../../core/state.ts"
import type { Owing } from "../../core/unwritten.ts"
import type { Outcomes } from "../../rotate/work.ts"
import type { EnvironmentRun } from "./environment-run.ts"
import type { SeenOutput } from "./look-at-outputs.ts"
import type { Drift, Unclear } from "./look-for-drift.ts"

/** What the service tells its observer. */
export type ServiceEvents = {
  readonly turned: (environment: string, turn: EnvironmentRun) => void
  readonly failed: (environment: string, code: string, message: string) => void
  /** What a turn had ended before it failed. */
  readonly endedFirst?: (environment: string, outcomes: Outcomes) => void
  /** The wall clock has leapt, or is before what a state knows of (or runs true again). */
  readonly clock: (steady: boolean, code: "clock-leapt" | "clock-behind") => void
  /** A service has begun to refuse a current value, or takes it again: once a change. */
  readonly drifted: (environment: string, drift: Drift) => void
  /** A file shows something else than the current values, or is right again: once a change. */
  readonly shown: (environment: string, output: SeenOutput) => void
  /**
   * Whether a service takes a current value cannot be told; undefined: it can again. Once a change.
   */
  readonly unclear: (environment: string, secret: string, why: Unclear | undefined) => void
  /** How an environment stands, by its state: whenever that was read. */
  readonly standing?: (environment: string, document: StateDocument | undefined) => void
  /** What a containment has left, by the state: once a change, and at the start. */
  readonly uncontained: (environment: string, left: readonly UncontainedSecret[]) => void
  /** What a containment could not write, by the state: once a change, and at the start. */
  readonly unwritten: (environment: string, left: readonly Owing[]) => void
  /**
   * After each round. `next`: the environment that may have something to do first; undefined: none,
   * as things stand. `drifted`: "production/postgres", whose service refuses the current value.
   */
  readonly round: (next: Next | undefined, drifted: readonly string[]) => void
  /** A round comes at least this often: the observer wants to see it. */
  readonly roundEveryMs?: number
}

export type Next = { readonly environment: string; readonly at: Date }
