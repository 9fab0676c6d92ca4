import type { ChangeSet, Refusal } from "./change-set.ts"
import type { Listener } from "./listeners.ts"
import type { Acting, RunMark } from "./run-mark.ts"
import type { Version } from "./version.ts"

/**
 * The state document of one environment, as it lies on disk. Metadata in clear, each version an age
 * file of its own.
 */

export type StateDocument = {
  readonly format: 1
  /**
   * Random, made once: names our sessions at a server, so that a second Mycelium with another state
   * is noticed.
   */
  readonly id: string
  readonly project: string
  readonly environment: string
  /** The path of the config that the last write acted by. */
  readonly config?: string
  /** Counts the durable writes. */
  readonly serial: number
  readonly secrets: Readonly<Record<string, SecretState>>
  /** What a crash left to do. */
  readonly changeSet?: ChangeSet
  /**
   * Journals that wait aside for services that give no answer: of no secret that another one has.
   */
  readonly deferred?: readonly ChangeSet[]
  /**
   * Where a run lives (or was killed) that has begun a program at a service which no journal tells
   * of.
   */
  readonly acting?: Acting
  /** By what the programs of such runs are found; there as long as one may live. */
  readonly run?: RunMark
  /**
   * By target of an output that is ours as a whole: the fingerprint of what we last wrote there.
   */
  readonly written?: Readonly<Record<string, string>>
  /** By target: what the service has last seen an output show that is not as it should be. */
  readonly offOutputs?: Readonly<Record<string, OffOutput>>
  /** By id of an entry: its mark since we last wrote it. */
  readonly marks?: Readonly<Record<string, string>>
  /**
   * By id of an entry: tokens of what may lie at its manager, seen by no reader; durable before it
   * does, and until it is live or taken away.
   */
  readonly staged?: Readonly<Record<string, readonly string[]>>
  readonly audit: AuditTail
  /** HMAC-SHA-256 over the rest, hex, by a key sealed to the recipients. */
  readonly mac: string
}

/**
 * An output that showed something else than the current values when the service looked last: a
 * backup that was put back, a file that a person has changed, or that is gone.
 */
export type OffOutput = {
  readonly since: string
  /** Of the files as they were seen: what has changed since is not known to be wrong. */
  readonly mark: string
  /** By secret that it shows: the version that was current then. */
  readonly of: Readonly<Record<string, string>>
  readonly code: string
  readonly message: string
  readonly remedy: string
}

/**
 * The end of the audit log as this state knows it. `lines` ride in the state until they are in the
 * log.
 */
export type AuditTail = {
  readonly count: number
  readonly head: string
  readonly lines: readonly string[]
}

export type SecretState = {
  readonly driver: string
  readonly versions: readonly Version[]
  /**
   * When the current version's rotation (or adoption) began, or when it was made, where a person
   * has said so; the age counts from here.
   */
  readonly rotatedAt?: string
  /**
   * The current value was adopted and is easily guessed: due at the next scheduled time, whatever
   * its age.
   */
  readonly weak?: true
  /**
   * `rotatedAt` only says when it was found that the age of the current value is not known: due at
   * the next tick after.
   */
  readonly undated?: true
  /** Why the last attempt failed, and when the next may be. */
  readonly retry?: Retry
  /** Why the value that is past its grace was not taken away at the last try. */
  readonly revokeHeld?: RevokeHeld
  /**
   * Since when the service refuses the current value, without a word from anyone: not rotated,
   * nothing revoked, until a person acts.
   */
  readonly drift?: { readonly since: string; readonly code: string }
  /**
   * Who listened at each address of this machine when the current value was taken over or proven: a
   * uid, or that it could not be seen.
   */
  readonly listeners?: Readonly<Record<string, Listener>>
  /** What its values are logins of, in the words of its driver: "postgresql://db:5432 role shop". */
  readonly logins?: readonly string[]
  /**
   * The number of the youngest version that there ever was, where an older state was put back and
   * does not know it.
   */
  readonly last?: number
  /**
   * The last containment that this secret went through, and the version that it made: the same one
   * does nothing twice.
   */
  readonly contained?: Contained
  /**
   * Chosen for a containment that has not come to its end, and why. Another containment ends this,
   * or `delete`; a rotation does not: older sessions, and values that others have set, outlive it.
   */
  readonly uncontained?: Uncontained
  /**
   * Programs that did not get healthy with the value that became current all the same; until they
   * are found healthy.
   */
  readonly unhealthy?: {
    readonly since: string
    readonly deployments: readonly string[]
    readonly message: string
  }
  /**
   * Outputs that were left as they are in an incident, for they could not be written: owed until
   * they are.
   */
  readonly unwritten?: Unwritten
  /** Its versions up to v`last` were erased by a person, for good. */
  readonly erased?: { readonly at: string; readonly last: number }
}

export type Uncontained = {
  readonly incident: string
  readonly since: string
  readonly code: string
  /** Asked for with --revoke-first: the command that carries it on needs the word. */
  readonly revokeFirst?: true
  /** Earlier incidents that it was chosen for, and that the same containment ends. */
  readonly also?: readonly string[]
}

export type Contained = {
  readonly incident: string
  /** Earlier incidents that it was chosen for: what was accepted then was taken away, too. */
  readonly also?: readonly string[]
  readonly at: string
  readonly version: string
  /** The first version that was made in this incident, where it is another one. */
  readonly first?: string
  /** What was accepted before, known to us or not, has still to be taken away. */
  readonly owes?: true
  /**
   * Nothing more is owed, but sessions that were opened before may live: nothing here can end them.
   */
  readonly sessions?: SessionsLeft
}

/**
 * `programs`: who reads such an output, or could not be restarted: they may hold a value that no
 * longer works.
 */
export type Unwritten = {
  readonly since: string
  /** By target, why. Once none is left, the programs can be restarted. */
  readonly outputs: Readonly<Record<string, Refusal>>
  readonly programs: readonly string[]
  /** No service asks for the secret: its readers go on taking what they have read. */
  readonly lives?: true
  /** `render` has changed what the programs read: one that is found healthy is owed no restart. */
  readonly rendered?: true
  /** Of the programs, those that the config had no more when they were to be restarted. */
  readonly gone?: readonly string[]
}

/** Why sessions that were opened with an older value cannot be ended, and what a person can do. */
export type SessionsLeft = {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

export type Retry = {
  readonly failures: number
  readonly notBefore: string
  readonly code: string
  readonly message: string
}

/** Of the version that it names, for as long as that is not dead. */
export type RevokeHeld = {
  readonly version: string
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** A change of one secret's state; pure. */
export type Patch = (state: SecretState) => SecretState

/**
 * The fingerprints that an output has if only we wrote it: of what we last wrote, and of what open
 * journals are about to write.
 */
export function fingerprintsOf(
  { written, changeSet, deferred = [] }: StateDocument,
  target: string,
): readonly string[] {
  return [
    written?.[target],
    ...[changeSet, ...deferred].map((set) => set?.before?.[target]?.after),
  ].filter((print) => print !== undefined)
}

/**
 * The age of its current value is not known: it was taken over, or a clock was wrong when it was
 * made. It may be far older than `rotatedAt`.
 */
export function isUndated({
  undated,
  versions,
}: Pick<SecretState, "versions" | "undated">): boolean {
  return (
    undated === true ||
    versions.some(({ stage, adopted }) => stage.kind === "current" && adopted === "undated")
  )
}
