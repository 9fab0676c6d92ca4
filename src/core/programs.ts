import type { Command } from "../base/files/command-files.ts"
import type { Finding } from "./finding.ts"

/** What restarts the programs that read outputs, and proves them healthy. */

/** A program that reads an output. `id` is the same however it is found: "shop/api". */
export type Reader = { readonly id: string; readonly label: string; readonly target: string }
/** What a look at a restarter has found, before any value exists. */
export type Inspection = {
  readonly findings: readonly Finding[]
  /** For people: what a restart replaces: "container shop-api-1 of project shop". */
  readonly replaces?: string
  /** The ids of the programs that it restarts. */
  readonly restarts: readonly string[]
  /** All that read one of the deployment's outputs, as far as that can be known. */
  readonly readers: readonly Reader[]
}

/** command, compose, signal, … */
export interface Restarter {
  /** For people: "command /usr/local/bin/restart-api", "compose api, recreated". */
  readonly label: string
  /** The command that it runs: what another user can change is never run. */
  readonly runs?: Command
  /**
   * Would a restart find its program, and change nothing but what it reads from `targets` (absolute
   * paths of outputs)? Changes nothing. A throw is an obstacle, too.
   */
  inspect?(targets: readonly string[], signal: AbortSignal): Promise<Inspection>
  /**
   * Absolute: files, if they are there, that tell it what to run: anyone who can change one runs
   * programs with our rights.
   */
  readonly follows?: readonly string[]
  /**
   * `mark` names this run of the hook in its environment, so that a later run of Mycelium finds it and
   * never runs two at once.
   */
  restart(
    mark: string,
    signal: AbortSignal,
    options?: { /** A health check is asked afterwards. */ readonly checked: boolean },
  ): Promise<void>
}
export interface Health {
  readonly label: string
  /** For people: what it does not prove. */
  readonly limits?: string
  /** As a restarter's. */
  readonly runs?: Command
  /** true, or why not yet. Asked again and again until `within`. */
  healthy(signal: AbortSignal): Promise<true | string>
}
export type Deployment = {
  readonly name: string
  /** Targets of outputs. */
  readonly reads: readonly string[]
  readonly restarter: Restarter
  readonly health?: Health
  /** Its kind, as the config names it: "http". */
  readonly healthType?: string
  readonly withinMs: number
  /** The hook's own deadline. */
  readonly timeoutMs: number
}
