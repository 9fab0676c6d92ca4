export type ReconcileOptions = {
  readonly dryRun: boolean
  /** Every version is asked for, however old. */
  readonly deep: boolean
  /** Left out: all of the environment. */
  readonly secrets?: readonly string[]
  /** The state is older than its log; by secret, the youngest version that the log knows of. */
  readonly behind?: {
    readonly serial: number
    readonly logSerial: number
    readonly youngest: Readonly<Record<string, number>>
    /** What was chosen for a containment since the state was written, as the log has it. */
    readonly chosen: readonly {
      readonly secret: string
      readonly incident: string
      readonly at: string
    }[]
  }
}

export type ReconcileFinding =
  /**
   * The service takes the current value, or no service asks. `differ`: outputs that show something
   * else.
   */
  | {
      readonly kind: "same"
      readonly version: string
      readonly differ: readonly string[]
      readonly revived: readonly string[]
    }
  | {
      readonly kind: "found"
      readonly version: string
      readonly was?: string
      readonly outputs: readonly string[]
      readonly restarts: readonly string[]
      readonly revived: readonly string[]
      readonly unhealthy?: string
    }
  /** The service refuses every version that was asked for. */
  | {
      readonly kind: "lost"
      readonly asked: number
      readonly unasked: number
      readonly current?: string
      readonly driver: string
      readonly user?: string
    }
  /** A value lives, but it cannot be made the current one yet. */
  | {
      readonly kind: "held"
      readonly version?: string
      readonly code: string
      readonly message: string
      readonly hint?: string
    }
  | { readonly kind: "unknown"; readonly code: string; readonly message: string }
  | { readonly kind: "new" }

export type Finds = Readonly<Record<string, ReconcileFinding>>

/**
 * `written`: the state knows it now. A state that is older than its log is taken as it is only once
 * every service has answered clearly.
 */
export type Reconciled = { readonly found: Finds; readonly written: boolean }

/** Outputs and programs must follow: by a journal. */
export function isMoved(one: ReconcileFinding): boolean {
  return one.kind === "found" && (one.outputs.length > 0 || one.restarts.length > 0)
}
