import type { DriverType } from "../core/define.ts"
import type { DeploymentConfig, OutputConfig, SecretConfig } from "./model.ts"
import type { PolicyName } from "./policy.ts"
import type { Path } from "./problems.ts"

/**
 * The config while it is read: parts that hold mistakes are there too, with stand-ins, so that the
 * cross-checks neither stop at the first mistake nor report its consequences. It is thrown away if
 * anything was reported.
 */

/** An entry of a map whose keys are names, as it is written. */
export type Entry = { readonly name: string; readonly raw: unknown; readonly path: Path }

export type SecretDraft = {
  readonly path: Path
  readonly config: SecretConfig
  readonly type: DriverType | undefined
  /** As the driver's schema parsed them; undefined if they are wrong. */
  readonly options: Readonly<Record<string, unknown>> | undefined
  /** Where its `rotate_every` is said; undefined: nowhere. */
  readonly agePath: Path | undefined
}

export type OutputDraft = {
  readonly path: Path
  /** undefined if it is wrong. */
  readonly config: OutputConfig | undefined
}

export type DeploymentDraft = {
  readonly path: Path
  readonly config: DeploymentConfig
  /** Said in the config, not the default. */
  readonly ownReads: boolean
}

export type EnvironmentDraft = {
  readonly path: Path
  readonly name: string
  /** False: not even a map. */
  readonly isMap: boolean
  readonly schedule: string | undefined
  readonly schedulePath: Path
  readonly timezone: string
  readonly timezonePath: Path
  readonly watchMs: number | null | undefined
  readonly policy: PolicyName | undefined
  readonly secrets: readonly SecretDraft[]
  readonly outputs: readonly OutputDraft[]
  readonly deployments: readonly DeploymentDraft[]
}
