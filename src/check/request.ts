import type { Host } from "../base/system/host.ts"
import type { Me } from "./self-tests/path-stat.ts"
import type { Plugins } from "../config/context.ts"
import type { Config } from "../config/model.ts"
import type { Actor } from "../core/audit-line.ts"
import type { MountGate } from "../base/files/mount-gate.ts"

export type Checked = {
  readonly config: Config
  readonly plugins: Plugins
  readonly host: Host
  readonly me: Me
  /** Who asks: values that are opened for a login are an event of the audit log. */
  readonly whoAsks: () => Actor
  readonly stop: AbortSignal
  /** The machine's own if left out. */
  readonly gate?: MountGate
  /** Targets of outputs that cannot be looked at: their file system gives no answer. */
  readonly silent?: ReadonlySet<string>
}
/** What a look at the places of outputs needs. */
export type Places = Pick<Checked, "config" | "silent">
export type How = { readonly quick: boolean; readonly connect: boolean; readonly fix: boolean }
