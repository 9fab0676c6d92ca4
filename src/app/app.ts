import type { Host } from "../base/host.ts"
import type { Shift } from "../base/shift.ts"
import type { Turns } from "../base/turns.ts"
import type { Actor } from "../core/audit-line.ts"
import type { Config } from "../config/model.ts"
import type { Plugins } from "../config/context.ts"
import type { Keys } from "../record/vault.ts"

/** What every command that works on environments has in hand. */
export type App = {
  readonly config: Config
  readonly plugins: Plugins
  readonly host: Host
  readonly keys: Keys
  readonly actor: Actor
  /** "rotate-now, process 4711": what one who waits for the lock is told. */
  readonly holder: string
  readonly tell: Tell
  /**
   * As `tell`, for what a person must hear also where only a document was asked for; `tell` if left
   * out.
   */
  readonly notice?: Tell
  /** The bound of acts at once at one server; all environments share it. */
  readonly turns: Turns
  /** Runs while any environment is worked on; all of them share what is kept open in it. */
  readonly shift: Shift
  /** Aborts when we are asked to stop. */
  readonly stop: AbortSignal
}

/** Progress for people: never a value. */
export type Tell = (environment: string, step: string, says: string, secret?: string) => void
