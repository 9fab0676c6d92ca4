import type { ActivityScope } from "../base/activity-scope.ts"
import type { Host } from "../base/system/host.ts"
import type { Shape } from "../base/text/value-shape.ts"
import type { Listeners } from "./listeners.ts"
import type { RunInHand } from "./run-mark.ts"
import type { Secret } from "./secret.ts"

/** What the engine gives a plug-in. */

/**
 * How a config names a credential that Mycelium itself needs; never the value. Its one key says of
 * which kind it is: plugins/references.
 */
export type Reference = Readonly<Record<string, unknown>>

/** All that a plug-in may use. */
export interface PluginContext {
  readonly host: Host
  /** "production/postgres": names sessions at the server, errors and secrets. */
  readonly label: string
  /** The state's id, so that a session of another state is told from an earlier one of this state. */
  readonly owner: string
  /**
   * By what programs at services are found that an earlier run has left; a driver that runs none
   * needs none.
   */
  readonly run?: RunInHand
  /** The folder of the config: what relative paths are relative to. */
  readonly folder: string
  /** The value that a reference points to, read anew at each call. */
  credential(reference: Reference): Promise<Secret>
  /** Who listens where the server is of this machine; if left out, no listener is looked at. */
  readonly listeners?: Listeners
  /**
   * Connections may be kept for the next act, of another secret too, as long as this runs. Left
   * out: none is.
   */
  readonly activity?: ActivityScope
}

/**
 * Random text for a field of a new version; wrapped, labelled. A number: its length in characters
 * (32 if left out).
 */
export type MakeText = (field: string, shape?: number | Shape) => Secret

/** A trial only shows what would stand in the way: nothing of it is kept. */
export type Trial = { readonly trial: boolean }
