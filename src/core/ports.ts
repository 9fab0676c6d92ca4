import type { Host } from "../base/system/host.ts"
import type { ActivityScope } from "../base/activity-scope.ts"
import type { Shape } from "../base/text/value-shape.ts"
import type { EntryInspection, Landed, Place, Readers, Seen, TokenOf } from "./entry.ts"
import type { Finding } from "./finding.ts"
import type { Listeners } from "./listeners.ts"
import type { Secret } from "./secret.ts"
import type { SessionsLeft } from "./state.ts"
import type { RunInHand } from "./run-mark.ts"

/** What the outside implements: services, outputs, deployments. */

/** What a version consists of, by field: `{ user: "shop", password: Secret, salt: Secret }`. */
export type Fields = Readonly<Record<string, string | Secret>>
/** A version, opened. `acceptedAt` is the service's own clock, kept for the driver that said it. */
export type Credential = {
  readonly version: string
  readonly fields: Fields
  readonly acceptedAt?: string
  /**
   * For outputs: the fields of the version that lives beside it now, or will once it is current;
   * left out where there is none.
   */
  readonly previous?: Fields
}
export type Versions = {
  readonly current?: Credential
  readonly previous?: Credential
  readonly pending?: Credential
  readonly uncertain: readonly Credential[]
  /** For a look at a service: what was taken away, and may stand there again. */
  readonly retired?: readonly Credential[]
}
export type { Finding } from "./finding.ts"
/**
 * A login that began by an older value could still end well: so its session is looked for once
 * more, `inMs` from now. `mostMs`: how long that can go on.
 */
export type UnderWay = { readonly inMs: number; readonly mostMs: number }
/** What `deleteLogin` may have to tell. */
export type Forgotten = { readonly underWay?: UnderWay }
/**
 * What a containment has done at a service. `notes`: what a person must know besides.
 * `sessionsLeft`: no value but the new one is accepted, but older sessions may live.
 */
export type OthersRevoked = {
  readonly sessionsEnded: number
  readonly notes: readonly string[]
  readonly underWay?: UnderWay
  readonly sessionsLeft?: SessionsLeft
}
/**
 * accepted: the service said yes to this login. refused: it said no to this password. unknown:
 * anything else; decide nothing.
 */
export type Probe = "accepted" | "refused" | "unknown"

/**
 * How a config names a credential that Mycelium itself needs; never the value. Its one key says of
 * which kind it is: plugins/references.
 */
export type Reference = Readonly<Record<string, unknown>>

/** All that a plug-in may use. */
export interface PluginContext {
  readonly host: Host
  /** "production/postgres": names sessions at the server, errors and secrets. */
  readonly label: string
  /** The state's id, so that a session of another state is told from an earlier one of ours. */
  readonly owner: string
  /**
   * By what programs at services are found that an earlier run has left; a driver that runs none
   * needs none.
   */
  readonly run?: RunInHand
  /** The folder of the config: what relative paths are relative to. */
  readonly folder: string
  /** The value that a reference points to, read anew at each call. */
  credential(reference: Reference): Promise<Secret>
  /** Who listens where the server is of this machine; if left out, no listener is looked at. */
  readonly listeners?: Listeners
  /**
   * Connections may be kept for the next act, of another secret too, as long as this runs. Left
   * out: none is.
   */
  readonly activity?: ActivityScope
}

/**
 * Random text for a field of a new version; wrapped, labelled. A number: its length in characters
 * (32 if left out).
 */
export type MakeText = (field: string, shape?: number | Shape) => Secret

/** A trial only shows what would stand in the way: nothing of it is kept. */
export type Trial = { readonly trial: boolean }

/**
 * `contain`: it is a part of a containment. `again`: how often the service has taken the value, and
 * did not accept it then.
 */
export type Containing = { readonly contain?: boolean; readonly again?: number }
/**
 * `pending`: the value of an open containment, which `apply` may have given to a login that it kept
 * shut meanwhile: it is opened again.
 */
export type Settling = { readonly pending?: Credential }
/**
 * Why a login had no clear answer, as far as the service said, in words that may be shown; it
 * decides nothing.
 */
export type Heard = (why: { readonly code: string; readonly message: string }) => void

/**
 * Each method may run again after a crash and ends when `signal` aborts. A throw means "nobody
 * knows", never "refused".
 */
export interface Driver {
  /**
   * both: old and new side by side until `revoke`. one: `apply` ends the old. none: no service
   * asks.
   */
  readonly overlap: "both" | "one" | "none"
  /**
   * Its acts are programs of the operator: one that a killed run leaves goes on, and is found only
   * where it can be seen.
   */
  readonly runsProgram?: true
  /**
   * Pure: the fields of the next version. `contain`: the values of now are in wrong hands, and
   * nothing of them goes on.
   */
  generate(versions: Versions, text: MakeText, contain?: boolean): Fields
  /**
   * Could a rotation succeed, persist and be proven here? Changes no login. An error keeps the
   * secret out of the set before any value exists. The engine itself probes `current` and a wrong
   * value. A `trial` is followed by no rotation, and writes nothing anywhere, not even what a
   * rotation has the service write down anyway.
   */
  preflight(versions: Versions, signal: AbortSignal, options?: Trial): Promise<readonly Finding[]>
  /**
   * End what an earlier run of Mycelium may still have under way at the service, by whichever of
   * `issued` logins works; false where that cannot be known yet. Precedes every probe of a
   * recovery, and every revoke that an earlier run may have begun: a late one takes away what is
   * made live after it.
   */
  settle(issued: readonly Credential[], signal: AbortSignal, options?: Settling): Promise<boolean>
  /** How long (ms) `settle` may have to wait by design, beyond what a service takes to answer. */
  readonly settleMs?: number
  /**
   * Make `next` accepted, persistently. A second call with the same value must succeed.
   * `refused-by-policy` where the service will never take it. `contain`: who is logged in now may
   * be an intruder, who keeps it from being changed.
   */
  apply(
    next: Credential,
    versions: Versions,
    signal: AbortSignal,
    options?: Containing,
  ): Promise<{ readonly acceptedAt?: string }>
  /**
   * Resolves once the service has ended every session that this driver has left: an account may have
   * one session only, and its program is about to log in. Takes a second at most; never rejects.
   */
  drained?(): Promise<void>
  /** Log in with `candidate`, from outside, changing nothing. */
  probe(candidate: Credential, signal: AbortSignal, heard?: Heard): Promise<Probe>
  /**
   * Make `old` useless, then, if asked, end the sessions opened with it, never those of `live`.
   * Must succeed if it already is. Throws `sessions-out-of-reach` where only the sessions are left,
   * which it has no means to end. `waitedMs`: since it first answered that a login is `underWay`,
   * which is no end yet. The engine then proves the death.
   */
  revoke(
    old: Credential,
    live: Credential,
    ask: { readonly endSessions: boolean; readonly waitedMs?: number },
    signal: AbortSignal,
  ): Promise<{ readonly sessionsEnded: number; readonly underWay?: UnderWay }>
  /**
   * For containment: `live` becomes the only value that the service takes here, even those that
   * others have set; then every session that cannot have been opened with `live` is ended. Must
   * succeed if that is so already. Left out: each known version is revoked, which is all that can
   * be done.
   */
  revokeOthers?(live: Credential, signal: AbortSignal, waitedMs?: number): Promise<OthersRevoked>
  /**
   * For a first value (`--new`): what the service holds now, in a form that `apply` can put back
   * and `probe` can judge; undefined where it cannot be read. Throws `value-exists` where someone
   * visibly uses it.
   */
  readInstalled?(signal: AbortSignal): Promise<Fields | undefined>
  /**
   * For `mycelium delete`: no login of this secret, with these values or others, is accepted any
   * more, persistently. Must succeed if that is so already; resolves only when the service has
   * confirmed it. Left out where the config gives no means to. `waitedMs`: since it first answered
   * that a login is `underWay`. The engine then proves the death of `issued`.
   */
  deleteLogin?(
    issued: readonly Credential[],
    signal: AbortSignal,
    waitedMs?: number,
  ): Promise<Forgotten | void>
  /**
   * After `deleteLogin`: ends every session of this secret's login, however it came in, and looks
   * again until none is left. Throws `sessions-out-of-reach` where it has no right to. `waitedMs`:
   * since it first answered that a login is `underWay`. Left out where nothing can end them.
   */
  endSessions?(
    issued: readonly Credential[],
    signal: AbortSignal,
    waitedMs?: number,
  ): Promise<{ readonly sessionsEnded: number; readonly underWay?: UnderWay }>
  /** Says in a few words what `apply` does, for `--dry-run`: "ALTER ROLE shop … (verifier)". */
  describe(versions: Versions): string
}

/** By secret: what outputs show. */
export type Values = Readonly<Record<string, Credential>>
/**
 * The versions of a secret that an output may show now without being someone else's. `recent` are
 * those that are open already: opening the rest costs, and is rarely needed.
 */
export interface IssuedVersions {
  (secret: string, which: "recent" | "all"): Promise<readonly Credential[]>
  /**
   * True for the bytes that we last wrote there, or were about to write when a crash came: nothing
   * that only they hold can be lost.
   */
  readonly isOurWrite?: (target: string, bytes: Uint8Array) => boolean
  /**
   * A write of ours got no answer there, so it may still land: what is planned is written even if
   * it stands there already, for then the late one finds another mark.
   */
  readonly mayStillLand?: (target: string) => boolean
}

/**
 * A change of an output, not yet visible: of files, ready beside them; of an entry, judged against
 * what stood there, and nothing of it written.
 */
export interface Draft {
  readonly changed: boolean
  /** `commit` leaves no file. */
  readonly removes?: boolean
  /** The bytes that `commit` makes visible. */
  readonly bytes: Uint8Array
  /** Names of what changes, for people: variables. Never a value. */
  readonly changes: readonly string[]
  /**
   * For people: who could read the file, and will not: "mode 0644 becomes 0600: others cannot read
   * it any more".
   */
  readonly narrows?: string
  /** How many lines of others stay as they are, where only some are ours. */
  readonly keeps?: number
  /** Of a file that others write into, too: it is not there, and is made with our lines alone. */
  readonly anew?: true
  /** Of an entry: what it was judged against. */
  readonly before?: Seen
  /** Of an entry where a write takes two calls: the first. `token` is durable before. */
  stage?(token: string, signal: AbortSignal): Promise<void>
  /**
   * Durable when resolved. Of an entry: only while what is ours there is as it was judged; both
   * arguments are given, and the answer is what became of it (`deliver/land.ts`).
   */
  commit(tokenOf?: TokenOf, signal?: AbortSignal): Promise<Landed | void>
  /**
   * Of an entry, after `unknown`: finds what stands there, and writes once more if need be, so that
   * nothing older can land.
   */
  settle?(tokenOf: TokenOf, signal: AbortSignal): Promise<Landed>
  discard(): Promise<void>
}
/** A file, a folder of them, or an entry of a secret manager, that shows values to programs. */
export interface Output {
  /** Absolute path, or the entry's id; unique in the config. */
  readonly target: string
  /** Left out: files, at `target`. */
  readonly place?: Place
  /** Of an entry; left out: an hour, where two values live. */
  readonly readers?: Readers
  /** The secrets it shows, known from its templates. */
  readonly shows: readonly string[]
  /** Only we write into it: it holds what we last wrote, or someone has edited it. */
  readonly whole?: boolean
  /** Each value stands by itself: where a secret has none yet, what stands there for it stays. */
  readonly apart?: true
  /**
   * The bytes of now (of a folder: of all its files that are ours, in a form of its own); undefined
   * if there is no file.
   */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined>
  /** Of an entry: its mark of now; undefined if there is none. No value is read. */
  mark?(signal: AbortSignal): Promise<string | undefined>
  /**
   * Render, read back as its reader would. Refuses a difference, or a managed key whose present
   * value is in no version (`output-drift`). Of an entry it reads and judges, and writes nothing,
   * ever: dry runs and trials call it.
   */
  prepare(
    values: Values,
    issued: IssuedVersions,
    signal: AbortSignal,
    options?: Trial,
  ): Promise<Draft>
  /**
   * Put these bytes back; undefined: no file was there. An entry is never deleted: without a former
   * content, only what is ours is taken out. `again`: a write of ours may still land there, so it
   * is written even if it stands there already.
   */
  restore(
    before: Uint8Array | undefined,
    signal: AbortSignal,
    options?: { readonly again: boolean },
  ): Promise<Draft>
  compare(values: Values, signal: AbortSignal): Promise<"same" | "differs" | "missing">
  /** Where it shows variables: by name, what each would hold. Reads and writes nothing. */
  variables?(values: Values): Promise<Readonly<Record<string, string>>>
  /**
   * What stands beside ours and is not in the config, by name, as its reader sees it: other lines
   * of a merged file, other files of a folder.
   */
  others?(): Promise<Readonly<Record<string, string>>>
  /**
   * Without these of `others`, where `isOurs` says so of what stands there now; nothing else is
   * touched.
   */
  prune?(
    names: readonly string[],
    isOurs: (value: string) => boolean,
    signal: AbortSignal,
  ): Promise<Draft>
  /**
   * For `mycelium delete`: without what shows one of these secrets, alone or with others; no file
   * where nothing is left. Refuses to erase a value that is in no version (`output-drift`).
   */
  remove?(secrets: readonly string[], issued: IssuedVersions, signal: AbortSignal): Promise<Draft>
  /**
   * Throws `value-breaks-out` where one of these values, as it is, would be more there than a
   * value: lines of its own. Reads and writes nothing.
   */
  mustTake?(values: Values): void
  /**
   * Read backwards: the fields of `secrets` that the output shows now, as far as its templates
   * tell.
   */
  adopt(
    secrets: readonly string[],
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>>
  /** Removes a draft that a crash left behind. */
  tidy(signal?: AbortSignal): Promise<void>
  /** Of an entry: for `check --connect`, as its manager's. */
  inspect?(signal: AbortSignal): Promise<EntryInspection>
  /** Of an entry: takes away what `stage` left under this token, unless it is live. */
  drop?(token: string, signal: AbortSignal): Promise<void>
}

/** An output with its draft; `before`: its bytes as the draft was made, if they were asked for. */
export type Ready = {
  readonly output: Output
  readonly before: Uint8Array | undefined
  readonly draft: Draft
}
/** What a way back restores: `before` is undefined if no file was there; `after`: of our bytes. */
export type Former = {
  readonly before: Uint8Array | undefined
  readonly after: string
  readonly fingerprint: (bytes: Uint8Array) => string
}

export type { Deployment, Health, Inspection, Reader, Restarter } from "./programs.ts"
