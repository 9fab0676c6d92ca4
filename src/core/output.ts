import type { Credential } from "./credential.ts"
import type { EntryInspection, Landed, OutputPlace, Readers, Seen, TokenOf } from "./entry.ts"
import type { Trial } from "./plugin-context.ts"

/** What an output implements, and the drafts of its changes. */

/** By secret: what outputs show. */
export type Values = Readonly<Record<string, Credential>>
/**
 * The versions of a secret that an output may show now without being foreign. `recent` are
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
   * One of our writes got no answer there, so it may still land: what is planned is written even if
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
/** How long an output is waited for. */
export type OutputWait = {
  /** Ends the wait; one for each turn, in which a silent manager costs its time once. */
  readonly turn?: AbortSignal
  /** How long (ms) a manager may take; left out: as long as any. */
  readonly managerMs?: number
}
/** A file, a folder of them, or an entry of a secret manager, that shows values to programs. */
export interface Output {
  /** Absolute path, or the entry's id; unique in the config. */
  readonly target: string
  /** Left out: files, at `target`. */
  readonly place?: OutputPlace
  /** Of an entry; left out: an hour, where two values live. */
  readonly readers?: Readers
  /** The secrets it shows, known from its templates. */
  readonly shows: readonly string[]
  /** Only we write into it: it holds what we last wrote, or it was edited. */
  readonly whole?: boolean
  /** Each value stands by itself: where a secret has none yet, what stands there for it stays. */
  readonly apart?: true
  /**
   * The present bytes (of a folder: of all its files that are ours, in a form of its own); undefined
   * if there is no file.
   */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined>
  /** Of an entry: its present mark; undefined if there is none. No value is read. */
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
   * content, only what is ours is taken out. `again`: one of our writes may still land there, so it
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
