import type { ActivityScope } from "../../base/activity-scope.ts"
import type { Host } from "../../base/system/host.ts"

/** What a session at AWS may use. */
export type AwsReach = {
  /** What relative paths are relative to. */
  readonly folder: string
  /** `now`: a signature bears the time. */
  readonly host: Pick<Host, "now" | "monotonicMs" | "pause">
  /** Credentials are kept as long as this runs. Left out: they are found anew. */
  readonly activity?: ActivityScope
}
