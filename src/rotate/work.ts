import type { Host } from "../base/system/host.ts"
import type { RunLocation } from "../base/processes/run-location.ts"
import type { ProcessId } from "../base/processes/process-session.ts"
import type { Actor } from "../core/audit-line.ts"
import type {
  Credential,
  Deployment,
  Draft,
  Driver,
  Finding,
  Former,
  IssuedVersions,
  OutputWait,
  MakeText,
  Output,
  Ready,
  Trial,
  Values,
} from "../core/ports.ts"
import type { TokenOf } from "../core/entry.ts"
import type { Listeners } from "../core/listeners.ts"
import type { StateDocument } from "../core/state.ts"
import type { RunInHand } from "../core/run-mark.ts"
import type { Version } from "../core/version.ts"

/**
 * All that a rotation works with: one environment, opened. Nothing here knows a concrete plug-in or
 * a config.
 */
export type Work = {
  readonly environment: string
  readonly host: Host
  readonly actor: Actor
  readonly drivers: Readonly<Record<string, Driver>>
  /** The driver's type, by secret. */
  readonly kinds: Readonly<Record<string, string>>
  readonly policies: Readonly<Record<string, Policy>>
  readonly outputs: readonly Output[]
  readonly deployments: readonly Deployment[]
  /** JSON of the options that all this was opened from; goes into the journal. */
  readonly startedWith: string
  readonly text: MakeText
  readonly newId: () => string
  readonly vault: Vault
  readonly ledger: Ledger
  readonly delivery: Delivery
  readonly restarts: Restarts
  /** Tells the one who watches; never a value. */
  readonly onProgress: (step: string, message: string, secret?: string) => void
  /**
   * Aborts when we are asked to stop, or to let another run have the environment: looked at between
   * durable steps. While programs are cut off, a request to stop waits.
   */
  readonly stop: AbortSignal
  /**
   * Aborts with the request, whether it waits or not: nothing is waited for that may never come.
   */
  readonly asked?: AbortSignal
  /** Called whenever others than before may be cut off. */
  readonly onStep?: () => void
  /**
   * Aborts a little after `stop`: acts at services are waited for no longer. What they leave under
   * way a recovery settles.
   */
  readonly forceStop: AbortSignal
  /** Who was seen to listen, by secret, where a server of this machine was spoken to. */
  readonly listeners?: Readonly<Record<string, Listeners>>
  /** What the config alone says against a rotation, by secret. */
  readonly obstacles?: Readonly<Record<string, readonly Finding[]>>
  /** Where this run lives; undefined where that cannot be known. */
  readonly location?: RunLocation | undefined
  /** The mark of its programs at services; undefined where that cannot be known. */
  readonly run?: RunInHand | undefined
  /** The config that this was opened by, and whose login each secret is. */
  readonly origin?: {
    readonly config: string
    readonly logins: Readonly<Record<string, readonly string[]>>
    /** The servers that a secret is kept at. */
    readonly places?: Readonly<Record<string, readonly string[]>>
  }
  /** Where a secret is, as one word; undefined where no service is asked. */
  readonly serverOf: (secret: string) => string | undefined
  /** Limits the acts at one server; the deadline of an act begins with its turn. */
  readonly withServerSlot: <T>(secret: string, act: () => Promise<T>) => Promise<T>
}

export type Policy = {
  /** How long the old value stays accepted; 0 where only one lives. */
  readonly graceMs: number
  readonly endSessions: boolean
}

/** Seals and opens; the only holder of keys. */
export interface Vault {
  seal(
    secret: string,
    credential: Credential,
  ): Promise<Pick<Version, "clear" | "sealed" | "fingerprints">>
  open(secret: string, version: Version): Promise<Credential>
  /** `name` is bound inside, so that sealed bytes cannot be swapped. */
  sealBytes(name: string, bytes: Uint8Array): Promise<string>
  openBytes(name: string, sealed: string): Promise<Uint8Array>
  fingerprint(bytes: Uint8Array): string
}

/** The durable state and the audit log of the environment. */
export interface Ledger {
  load(): Promise<StateDocument>
  /** Durable when resolved; the MAC is made here. */
  save(next: StateDocument): Promise<void>
  /**
   * Appends the lines that ride in the state to the log, durably. Again with the same lines:
   * nothing.
   */
  flush(document: StateDocument): Promise<void>
  /**
   * Reserves room on the disk for `writes` more writes of a state that grows by `grows` bytes,
   * whatever others write meanwhile; throws if there is none.
   */
  reserve?(need: Need): Promise<void>
  /** Throws if there is no such room; reserves nothing. */
  demandRoom?(need: Need): Promise<void>
  release?(): Promise<void>
  /** Removes what a killed run had reserved. */
  tidy?(): Promise<void>
}
export type Need = { readonly grows: number; readonly writes: number }

export interface Delivery {
  /** Every draft, or none and a throw. */
  draft(
    outputs: readonly Output[],
    values: Values,
    known: IssuedVersions,
    options?: Trial & OutputWait,
  ): Promise<readonly Ready[]>
  /**
   * Puts the former bytes back, or, if the output was edited since, our former values
   * alone.
   */
  restore(
    output: Output,
    former: Former & OutputWait,
    values: Values,
    known: IssuedVersions,
  ): Promise<Draft>
  /**
   * Makes the draft of an entry visible. Its mark since; or throws `entry-refused`, which is over,
   * or another code, after which it may still land.
   */
  land(output: Output, draft: Draft, landing: Landing & OutputWait): Promise<string>
  /** Any other call of an output, in its time. */
  ask<T>(output: Output, act: (signal: AbortSignal) => Promise<T>, wait: OutputWait): Promise<T>
}
type Landing = { readonly tokenOf: TokenOf }
/** The restart itself failed: the program may run on with what it has read before. */
export type NotRestarted = { readonly notRestarted: string }
/** A text: it was restarted, and why it did not get healthy. */
export type Restarting = true | string | NotRestarted
export function whyOf(answer: Exclude<Restarting, true>): string {
  return typeof answer === "string" ? answer : answer.notRestarted
}

/** For the log: it was restarted, or its restart failed; it is healthy since, or not. */
export function restartFields(answer: Restarting): {
  readonly restarted: boolean
  readonly healthy: boolean
} {
  const healthy = answer === true
  return { restarted: healthy || typeof answer === "string", healthy }
}

export interface Restarts {
  /** Ends an older run of the hook (`first`: there can be none), restarts, waits for health. */
  restart(
    deployment: Deployment,
    mark: string,
    stop: AbortSignal,
    first: boolean,
  ): Promise<Restarting>
  /** Of the hooks of `mark`: those that had not ended when a crash came; undefined: not known. */
  left?(mark: string): readonly ProcessId[] | undefined
  /** Healthy now? Asked before a rotation begins. */
  healthy(deployment: Deployment, stop: AbortSignal): Promise<true | string>
}

/** What became of one secret. */
export type Outcome =
  | {
      readonly kind: "rotated"
      readonly version: string
      readonly unhealthy?: string
      /** An entry is not written yet: it shows the old value, which is accepted until then. */
      readonly owes?: string
    }
  /** Kept out before any value existed, or given up with the old value proven to live. */
  | {
      readonly kind: "left"
      readonly code: string
      readonly message: string
      readonly hint?: string
    }
  | { readonly kind: "rolled-back"; readonly code: string; readonly message: string }
  /**
   * It is not known yet which value lives; the journal is open and asks again. `by`: it waits for
   * something other than a service, so asking soon is of no use.
   */
  | {
      readonly kind: "waiting"
      readonly code: string
      readonly message: string
      readonly by?: "file"
    }
  /** No value that we know is accepted, or one that should be dead is: a person is needed. */
  | { readonly kind: "stuck"; readonly code: string; readonly message: string }
export type Outcomes = Readonly<Record<string, Outcome>>

/** Its own service has answered: it waits for another secret that a file shows beside it. */
export const waitsForAnother = "waits-for-another"

/** A program of an earlier run may still live, and this run cannot tell: only a person can. */
const outOfSight = new Set(["other-namespace", "process-unreadable"])
export function isOutOfSight(code: string): boolean {
  return outOfSight.has(code)
}

/** Milliseconds that one act at a service may take. */
export const deadlines = {
  preflight: 20_000,
  inspect: 30_000,
  settle: 20_000,
  apply: 20_000,
  probe: 10_000,
  revoke: 30_000,
  output: 60_000,
  managerInIncident: 5000,
} as const
/** How often a value that the service does not take is applied before it is given up. */
export const applyTries = 3
