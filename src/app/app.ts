import type { Host } from "../base/system/host.ts"
import type { ActivityScope } from "../base/activity-scope.ts"
import type { KeyedSemaphore } from "../base/semaphore.ts"
import type { Actor } from "../core/audit-line.ts"
import type { Config } from "../config/model.ts"
import type { Plugins } from "../config/context.ts"
import type { Keys } from "../record/keys.ts"

/** What every command that works on environments has in hand. */
export type App = {
  readonly config: Config
  readonly plugins: Plugins
  readonly host: Host
  readonly keys: Keys
  readonly actor: Actor
  /** "rotate-now, process 4711": what one who waits for the lock is told. */
  readonly holder: string
  readonly onProgress: OnProgress
  /**
   * As `onProgress`, for what a person must hear also where only a document was asked for; `onProgress` if left
   * out.
   */
  readonly notice?: OnProgress
  /** The bound of acts at once at one server; all environments share it. */
  readonly turns: KeyedSemaphore
  /** Runs while any environment is worked on; all of them share what is kept open in it. */
  readonly activity: ActivityScope
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
