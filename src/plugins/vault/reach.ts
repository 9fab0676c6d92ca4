import type { ActivityScope } from "../../base/activity-scope.ts"
import type { Host } from "../../base/system/host.ts"
import type { Reference } from "../../core/ports.ts"
import type { Secret } from "../../core/secret.ts"

/** What a session at Vault may use. */
export type VaultReach = {
  /** What relative paths are relative to. */
  readonly folder: string
  /** What a login needs, read anew at each call. */
  credential(reference: Reference): Promise<Secret>
  /** Left out: a server that throttles is not waited for. */
  readonly host?: Pick<Host, "monotonicMs" | "pause">
  /** One login is kept as long as this runs. Left out: none is. */
  readonly activity?: ActivityScope
}
