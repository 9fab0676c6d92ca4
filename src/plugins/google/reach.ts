import type { ActivityScope } from "../../base/activity-scope.ts"
import type { Host } from "../../base/system/host.ts"

/** What a session at Google may use. */
export type GoogleReach = {
  /** What relative paths are relative to. */
  readonly folder: string
  readonly host: Pick<Host, "now" | "pause">
  /** A login is kept as long as this runs. Left out: one is made anew. */
  readonly activity?: ActivityScope
}
