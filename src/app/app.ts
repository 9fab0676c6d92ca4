import type { Host } from "../base/system/host.ts"
import type { MountGate } from "../base/files/mount-gate.ts"
import type { ActivityScope } from "../base/activity-scope.ts"
import type { KeyedSemaphore } from "../base/semaphore.ts"
import type { Actor } from "../core/audit-line.ts"
import type { Config } from "../config/model.ts"
import type { Plugins } from "../config/context.ts"
import type { Keys } from "../record/keys.ts"
import type { Outcomes } from "../rotate/work.ts"
import type { Step } from "./timed.ts"

/** What every command that works on environments needs. */
export type App = {
  readonly config: Config
  readonly plugins: Plugins
  readonly host: Host
  readonly keys: Keys
  readonly actor: Actor
  /** "rotate-now, process 4711": what a run that waits for the lock is told. */
  readonly holder: string
  readonly onProgress: OnProgress
  /** For what a person must hear even if only a document was asked for; `onProgress` if left out. */
  readonly notice?: OnProgress
  /** What became of a rotation that was not finished, and that a command has ended before its own act. */
  readonly onEndedFirst?: (environment: string, outcomes: Outcomes) => void
  /** How long a step took (ms): for metrics; nothing is measured if it is left out. */
  readonly onTook?: (step: Step, ms: number) => void
  /** Bounds the acts at one server at a time; all environments share it. */
  readonly turns: KeyedSemaphore
  /** Lasts while any environment is worked on; all of them share what is kept open in it. */
  readonly activity: ActivityScope
  /** Which file systems answer; asked anew by each run if left out. */
  readonly gate?: MountGate
  /** Aborts when we are asked to stop. */
  readonly stop: AbortSignal
}

/** Progress for people: never a value. */
export type OnProgress = (
  environment: string,
  step: string,
  message: string,
  secret?: string,
) => void
