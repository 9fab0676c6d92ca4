import type { Began, RunLocation } from "../base/processes/run-location.ts"
import type { Listener } from "./listeners.ts"

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
  readonly audit: AuditTail
  /** HMAC-SHA-256 over the rest, hex, by a key sealed to the recipients. */
  readonly mac: string
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
   * The current value was adopted and is easily guessed: due at the next scheduled time, whatever its age.
   */
  readonly weak?: true
  /**
   * `rotatedAt` only says when it was found that nobody knows how old the current value is: due at
   * the next tick after.
   */
  readonly undated?: true
  /** Why the last attempt failed, and when the next may be. */
  readonly retry?: Retry
  /**
   * Since when the service refuses the current value, which nobody has told us of: not rotated,
   * nothing revoked, until a person acts.
   */
  readonly drift?: { readonly since: string; readonly code: string }
  /**
   * Who listened at each address of this machine when the current value was taken over or proven: a
   * uid, or that it could not be seen.
   */
  readonly listeners?: Readonly<Record<string, Listener>>
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
  readonly uncontained?: {
    readonly incident: string
    readonly since: string
    readonly code: string
  }
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
export type Contained = {
  readonly incident: string
  readonly at: string
  readonly version: string
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
}
/** Why an output cannot be written. */
export type Refusal = { readonly code: string; readonly message: string; readonly hint?: string }
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

export type Version = {
  /** "v17"; counts up, never used again. */
  readonly id: string
  readonly madeAt: string
  /**
   * It was taken over. undated: then, at `madeAt`; when it was made nobody has said. dated: a
   * person has said when (so, too, of one that we made by a wrong clock).
   */
  readonly adopted?: "undated" | "dated"
  readonly stage: Stage
  /**
   * The service's own clock when it took the value: sessions that began before it used an older
   * version.
   */
  readonly acceptedAt?: string
  /** The fields that are no secret: a role's name. */
  readonly clear: Readonly<Record<string, string>>
  /** An age file (armored) that holds the secret fields. */
  readonly sealed: string
  /**
   * HMAC of each secret field under the store's key: finds reuse and drift without opening a value.
   */
  readonly fingerprints: Readonly<Record<string, string>>
}

export type Stage =
  /** Made, not yet held by every deployment. `proven`: a login with it was accepted. */
  | { readonly kind: "pending"; readonly proven: boolean }
  /** What every deployment is proven to hold. */
  | { readonly kind: "current" }
  /**
   * In its grace; a revoke is owed at `revokeAt`. `since` when it was granted; `revokeOthers`: an incident
   * took its place: no value but the current one may live, and no older session.
   */
  | {
      readonly kind: "previous"
      readonly since?: string
      readonly revokeAt: string
      readonly endSessions: boolean
      readonly revokeOthers?: true
    }
  /** May be live. Nothing is decided on it until a login is refused. */
  | { readonly kind: "uncertain"; readonly why: string }
  /** Dead or given up; stays sealed, ages out. */
  | { readonly kind: "retired"; readonly since: string }

/**
 * Where a program was begun that no journal tells of; `again`: the beginning of the marks of
 * restarts beside the journals.
 */
export type Acting = RunLocation & { readonly again?: string }

/**
 * The random part of the marks of programs at services: durable before the first begins, known to
 * nobody who cannot read the
 * state (or was given it by such a program). No program of it is older than `since`, by that clock.
 */
export type RunMark = Began & { readonly id: string }

/**
 * The mark that programs of this run carry. `earlier`: one that an earlier run has begun may still
 * live, and is no older than `since`.
 */
export type RunInHand = RunMark & { readonly earlier?: { readonly since: number } }

/**
 * Goes on with the mark that the state names; else a new one, by `newId`. `over`: nothing of an
 * earlier run lives, by a person's word.
 */
export function runInHand(
  document: Pick<StateDocument, "id" | "run" | "acting" | "changeSet" | "deferred">,
  began: Began,
  { newId, over = false }: { readonly newId: () => string; readonly over?: boolean },
): RunInHand {
  const mayLive =
    document.acting !== undefined || openSets(document).some(({ ranIn }) => ranIn !== undefined)
  if (over || (document.run === undefined && !mayLive)) return { ...began, id: newId() }
  // A state that an older release has written: its marks end with the beginning of the state's id.
  const { id, clock, since } = document.run ?? { id: document.id.slice(0, 8), clock: "", since: 0 }
  const oldest = clock === began.clock ? since : 0
  return { id, clock: began.clock, since: oldest, earlier: { since: oldest } }
}

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
  /** Never back, no grace, every older version dies, whoever set it. */
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
  /** Secrets whose service refuses every value that the state knows. */
  readonly stuck?: readonly string[]
  /** Why it turned back. */
  readonly fault?: { readonly code: string; readonly message: string }
  /** What kept it from its end when that was last tried. */
  readonly waits?: Waits
}

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

/** Every change set that is not finished. */
export function openSets(
  document:
    | { readonly changeSet?: ChangeSet | undefined; readonly deferred?: readonly ChangeSet[] }
    | undefined,
): readonly ChangeSet[] {
  return [
    ...(document?.changeSet === undefined ? [] : [document.changeSet]),
    ...(document?.deferred ?? []),
  ]
}

/** The one that a secret is in. */
export function openSetOf(
  document: Pick<StateDocument, "changeSet" | "deferred"> | undefined,
  name: string,
): ChangeSet | undefined {
  return openSets(document).find(({ secrets }) => secrets.includes(name))
}

/**
 * The fingerprints that an output has if nobody but us wrote it: of what we last wrote, and of what
 * open journals are about to write.
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

/** A change of one secret's state; pure. */
export type Patch = (state: SecretState) => SecretState

export function versionAt(state: SecretState, kind: Stage["kind"]): Version | undefined {
  return state.versions.find((version) => version.stage.kind === kind)
}

/**
 * The containment that a secret was chosen for and whose end it has not reached: not begun, its
 * revoke is still owed, or programs that no service checks still take the old value. All that tell
 * of it ask here.
 */
export function openContainment(state: SecretState): SecretState["uncontained"] {
  const { uncontained, contained, unwritten } = state
  if (uncontained !== undefined || contained === undefined) return uncontained
  const { incident, at } = contained
  if (owesRevokeOthers(state)) return { incident, since: at, code: "revoke-owed" }
  return unwritten?.lives === true
    ? { incident, since: unwritten.since, code: "output-owed" }
    : undefined
}

/**
 * Nobody knows how old its current value is: it was taken over, or a clock was wrong when it was
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

/**
 * A containment has made its value, and has still to take away what was there before. An older
 * state says so of versions alone.
 */
export function owesRevokeOthers({
  contained,
  versions,
}: Pick<SecretState, "contained" | "versions">): boolean {
  return (
    contained?.owes === true ||
    versions.some(({ stage }) => stage.kind === "previous" && stage.revokeOthers === true)
  )
}

/**
 * The value that the last containment made is the current one: so what is older than it can be
 * told, and ended.
 */
export function holdsContained(state: SecretState): boolean {
  return (
    state.contained !== undefined && versionAt(state, "current")?.id === state.contained.version
  )
}

/** Replaces one version by what `change` makes of it. */
export function changeVersion(id: string, change: (version: Version) => Version): Patch {
  return (state) => ({
    ...state,
    versions: state.versions.map((version) => (version.id === id ? change(version) : version)),
  })
}

export function nextVersionId(state: SecretState): string {
  return `v${lastVersion(state) + 1}`
}

/** The number of the youngest version that there ever was. */
export function lastVersion(state: SecretState): number {
  return state.versions.reduce(
    (most, version) => Math.max(most, Number(version.id.slice(1))),
    Math.max(state.erased?.last ?? 0, state.last ?? 0),
  )
}

/**
 * Forgets every version. What stays is that there were some, so that no number is ever used again.
 */
export function erase(at: string): Patch {
  return (state) => ({
    driver: state.driver,
    versions: [],
    erased: { at, last: lastVersion(state) },
  })
}

/**
 * How many given-up versions stay sealed, and how long (ms); the older and the more numerous age
 * out.
 */
export const keep = { versions: 10, forMs: 90 * 86_400_000 } as const

/** Drops `retired` versions beyond `keep`. No version in any other stage is ever dropped. */
export function ageOut(state: SecretState, now: Date): SecretState {
  const retired = state.versions.filter((version) => version.stage.kind === "retired")
  const young = retired
    .slice(-keep.versions)
    .filter(
      (version) =>
        version.stage.kind === "retired" &&
        now.getTime() - Date.parse(version.stage.since) < keep.forMs,
    )
  return {
    ...state,
    versions: state.versions.filter(
      (version) => version.stage.kind !== "retired" || young.includes(version),
    ),
  }
}
