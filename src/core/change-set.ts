import type { RunLocation } from "../base/processes/run-location.ts"

export type ChangeSet = {
  readonly id: string
  readonly why: "due" | "asked" | "new" | "incident" | "reconcile"
  readonly reason?: string
  /** Ties runs together, in state, log and report. */
  readonly incident?: string
  readonly startedAt: string
  /** The secrets that are not yet decided; one that is promoted or given up leaves. */
  readonly secrets: readonly string[]
  /** Durable before the first act in that direction; never turns from back to forward. */
  readonly direction: "forward" | "back"
  /** Never back, no grace; every older value dies, known to us or not. */
  readonly contain?: Containment
  /** Deployments whose restart may have begun: those that a way back must visit. */
  readonly touched: readonly string[]
  /** Deployments that are restarted and healthy in this direction. */
  readonly restarted: readonly string[]
  /**
   * Those of them whose restart itself failed, on a way that goes on all the same: they may run
   * with what they have read before.
   */
  readonly notRestarted?: readonly string[]
  /**
   * Deployments that did not get healthy on a way that goes on all the same, and why. A containment
   * has them in `contain`.
   */
  readonly unhealthy?: Readonly<Record<string, string>>
  /**
   * The environment's options as the rotation began, JSON: recovery uses these, not today's config.
   */
  readonly startedWith: string
  /**
   * By target, durable before the first rename: what a way back restores. Absent until outputs are
   * about to change.
   */
  readonly before?: Readonly<Record<string, Before>>
  /**
   * `before` and `touched` were written while services were asked to prove the new values: a run
   * that is killed then may have shown all of them.
   */
  readonly ahead?: true
  /**
   * Outputs that are left as they are, in an incident, by target: durable before anything is done
   * without them. One of these stays left until the end.
   */
  readonly leaves?: Readonly<Record<string, Refusal>>
  /** Where the run lives (or was killed) that may have a program of it under way. */
  readonly ranIn?: RunLocation
  /**
   * Programs that hold a value which no longer works until they are restarted; on the way back:
   * that may. For those who look without a key.
   */
  readonly cuts?: readonly string[]
  /**
   * Values that no service asks for, each with the programs that share it, if these are more than
   * one: they disagree while some have restarted. For those who look without a key.
   */
  readonly shared?: Readonly<Record<string, readonly string[]>>
  /** Secrets whose service refuses every value that the state knows. */
  readonly stuck?: readonly string[]
  /** Why it turned back. */
  readonly fault?: { readonly code: string; readonly message: string }
  /** What kept it from its end when that was last tried. */
  readonly waits?: Waits
}

/** Why an output cannot be written. */
export type Refusal = { readonly code: string; readonly message: string; readonly hint?: string }

/** `cutOff`: programs, and files by their path, that hold a value which no longer works, or may. */
export type Waits = {
  readonly since: string
  readonly secret: string
  readonly code: string
  readonly message: string
  readonly cutOff?: Readonly<Record<string, "is" | "may">>
}

/** How an incident is contained. */
export type Containment = {
  /** Access is taken away before the outputs are written: programs are down until they restart. */
  readonly revokeFirst: boolean
  /** Deployments that did not get healthy, and why: nothing goes back for them. */
  readonly unhealthy: Readonly<Record<string, string>>
}

/**
 * An output's former bytes, sealed ("" where there was no file), and the fingerprint of what we are
 * about to write. `stale`: another secret's value in it has changed since, so that these bytes are
 * not put back any more, only the values are.
 */
export type Before = { readonly sealed: string; readonly after: string; readonly stale?: true }

/** A state, as far as its change sets go. */
export type OpenSets = {
  readonly changeSet?: ChangeSet | undefined
  readonly deferred?: readonly ChangeSet[]
}

/** Every change set that is not finished. */
export function openSets(document: OpenSets | undefined): readonly ChangeSet[] {
  // Asked several times of each secret; hardly ever is one open.
  if (document?.changeSet === undefined && document?.deferred === undefined) return none
  return [
    ...(document?.changeSet === undefined ? [] : [document.changeSet]),
    ...(document?.deferred ?? []),
  ]
}

const none: readonly ChangeSet[] = []

/** The one that a secret is in. */
export function openSetOf(document: OpenSets | undefined, name: string): ChangeSet | undefined {
  return openSets(document).find(({ secrets }) => secrets.includes(name))
}

/**
 * A change set whose services give no clear answer would hold up the other secrets of its
 * environment. If it has changed no file and restarted nothing, it is put aside, durably, and
 * resumed later with the options that it began with. Until then its secrets are closed to all else,
 * and files go on showing their current values.
 */
export function isDeferrable({ direction, before, touched, restarted }: ChangeSet): boolean {
  return (
    direction === "forward" &&
    before === undefined &&
    touched.length === 0 &&
    restarted.length === 0
  )
}

/**
 * Those that are aside though they have changed files or restarted programs: a containment of other
 * secrets did not wait for them. Each is the journal again before anything else is begun.
 */
export function madeWay({ deferred = [] }: OpenSets): readonly ChangeSet[] {
  return deferred.filter((set) => !isDeferrable(set))
}

/**
 * The rotation that must end before another one of this secret begins: its own, or one that may have
 * changed files. A revoke waits for its own alone.
 */
export function heldBy(document: OpenSets | undefined, name: string): ChangeSet | undefined {
  return openSetOf(document, name) ?? openSets(document).find((set) => !isDeferrable(set))
}
