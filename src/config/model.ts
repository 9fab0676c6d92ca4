import type { Readers } from "../core/entry.ts"
import type { Reference } from "../core/ports.ts"
import type { AuditConfig } from "./audit.ts"
import type { ListenConfig } from "./listen.ts"
import type { NotifyConfig } from "./notify.ts"
import type { PolicyName } from "./policy.ts"

/**
 * The config, parsed. Plain data: the journal of a rotation stores an environment's part as JSON,
 * so that a recovery uses the options that the rotation began with. `options` are raw, as written:
 * their plug-in's schema parses them at `open`.
 */
export type Config = {
  /** Absolute, as all paths here that are not inside `options`. */
  readonly file: string
  /** The folder of the config: what relative paths are relative to. */
  readonly folder: string
  readonly project: string
  readonly store: string
  /** Who besides this machine's identity can open values. */
  readonly recipients: readonly string[]
  readonly identity?: Reference
  /** Acts at once at one server. */
  readonly perServer: number
  readonly audit: AuditConfig
  /** Who is told when something goes wrong. */
  readonly notify: readonly NotifyConfig[]
  /** Where the service answers for metrics and health; left out: nowhere. Its path is absolute. */
  readonly listen?: ListenConfig
  /** In the order of the file. */
  readonly environments: Readonly<Record<string, EnvironmentConfig>>
}

export type EnvironmentConfig = {
  readonly name: string
  readonly project: string
  readonly folder: string
  /** Its own or the project's; without either, `defaultSchedule` holds. */
  readonly schedule?: string
  readonly timezone: string
  /**
   * How often each current value is tried by a login; null: never. Where neither this nor the
   * project says it, `defaultWatchMs`.
   */
  readonly watchMs?: number | null
  /** Its own or the project's. */
  readonly policy?: PolicyName
  readonly secrets: Readonly<Record<string, SecretConfig>>
  readonly outputs: readonly OutputConfig[]
  /** In the order in which they restart. */
  readonly deployments: readonly DeploymentConfig[]
}

export type SecretConfig = {
  readonly name: string
  /** The type of its driver. */
  readonly driver: string
  /** The greatest age; null: never rotated by itself. */
  readonly rotateEveryMs: number | null
  /** How long the previous value lives on beside the current one; 0 if only one can live. */
  readonly graceMs: number
  readonly endSessions: boolean
  readonly tags: readonly string[]
  /** When the value that will be adopted was made; an ISO instant. */
  readonly rotatedAt?: string
  /**
   * How long programs that read an entry when they like may be refused after a rotation; the
   * service holds one value at a time.
   */
  readonly gapAcceptedMs?: number
  /** It is meant that no output shows it. */
  readonly unshown?: true
  /** An exception from the environment's policy. */
  readonly exempt?: true
  /** Without the keys that every secret has. */
  readonly options: unknown
}

export type OutputConfig = {
  readonly type: string
  /** The file that it writes, or the folder; or the entry's id. */
  readonly target: string
  /** It is an entry of a secret manager, not a file. */
  readonly entry?: true
  /** Of an entry: how long programs may go on with what they have read; left out: not said. */
  readonly readers?: Readers
  /** The files in it, if it is a folder. */
  readonly files?: readonly string[]
  /** The file that its template was read from; its text stands in `options`. */
  readonly from?: string
  /** The secrets that its templates name. */
  readonly shows: readonly string[]
  readonly options: unknown
}

export type DeploymentConfig = {
  readonly name: string
  /** Targets of outputs. */
  readonly reads: readonly string[]
  readonly restarter: { readonly type: string; readonly options: unknown }
  readonly health?: { readonly type: string; readonly options: unknown; readonly withinMs: number }
  /** The hook's own deadline. */
  readonly timeoutMs: number
}

/** The files that a config is made of: its own, and those of templates. */
export function partsOf({ file, environments }: Config): readonly string[] {
  return [
    file,
    ...new Set(
      Object.values(environments).flatMap(({ outputs }) =>
        outputs.flatMap(({ from }) => from ?? []),
      ),
    ),
  ]
}

/** An hour: seldom enough for a login that fails. */
export const defaultWatchMs = 3_600_000
