import type { ActivityScope } from "../../base/activity-scope.ts"
import type { Host } from "../../base/system/host.ts"

/** What a session at Azure may use. */
export type AzureReach = {
  /** What relative paths are relative to. */
  readonly folder: string
  /** One variable of our own environment. */
  env(name: string): string | undefined
  readonly host: Pick<Host, "now" | "pause">
  /** A login is kept as long as this runs. Left out: one is made anew. */
  readonly activity?: ActivityScope
}
