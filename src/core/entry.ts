import type { Finding } from "./finding.ts"

/** Outputs that are entries of a secret manager: what a manager implements (`Entry`), and its words. */

/**
 * Where an output is. The id of an entry is canonical, so that two configs mean the same by it, and
 * names all that a changed environment could turn elsewhere: "vault:https://vault:8200/ns/secret/shop/db",
 * "aws:123456789012:eu-central-1:prod/db".
 */
export type OutputPlace =
  | { readonly kind: "files"; readonly paths: readonly string[] }
  | { readonly kind: "entry"; readonly id: string }

/**
 * What stands at an entry. `mark`: the manager's own name of this content (a version, an etag):
 * equal marks, equal bytes. `bytes` is undefined where the entry is there and holds no content: it
 * is empty, or its newest version is deleted.
 */
export type Seen = { readonly bytes: Uint8Array | undefined; readonly mark: string }

/**
 * What became of a write. refused: another program wrote in between, or the manager said no; nothing
 * of it can land. unknown: it may still land. `reason`: for people, never a value.
 */
export type Landed =
  | { readonly is: "done"; readonly mark: string }
  | { readonly is: "refused" | "unknown"; readonly reason: string }

/**
 * Names a write: 64 hex digits, an HMAC over the change set, the entry and the content. A repeat of
 * the same write has the same, and it tells nothing of the content: at some managers all can read it.
 */
export type TokenOf = (content: Uint8Array) => string

/** A write at an entry. */
export type EntryWrite = {
  readonly bytes: Uint8Array
  /** Only while the entry is still at this mark; undefined: only while there is no entry. */
  readonly over: string | undefined
  /** As `TokenOf` makes it of these bytes. */
  readonly token: string
}

/**
 * One entry of a secret manager: what each manager implements. Rendering, drift, and what happens
 * after an answer that was lost are the same for all of them (`plugins/outputs/entry/`). Each call
 * ends when `signal` aborts. An error, or a `reason`, never repeats a content.
 */
export interface Entry {
  /** As in `OutputPlace`. */
  readonly id: string
  /** For people: "the entry shop/db of https://vault:8200". */
  readonly label: string
  /** No value is read, and no right to read one is needed. Undefined: there is no entry. */
  mark(signal: AbortSignal): Promise<string | undefined>
  /** Undefined: there is no entry. Throws where that cannot be known. */
  read(signal: AbortSignal): Promise<Seen | undefined>
  /**
   * Anything that forbids writes here (a right that is missing, an expiry that would take the live
   * value away): throws. Writes nothing; asked before any value exists.
   */
  mayWrite?(seen: Seen | undefined, signal: AbortSignal): Promise<void>
  /** Throws where the entry cannot hold this content, as it is described; asked before it is written. */
  mustHold?(bytes: Uint8Array): void
  /**
   * For `check --connect`: as whom Mycelium is known there, and what would stand in the way of a
   * write; a right that is missing as text that the manager takes. Writes nothing, reads no value.
   */
  inspect?(signal: AbortSignal): Promise<EntryInspection>
  /** A compare-and-swap. Its own retries are off: what it sends, it sends once. */
  write(write: EntryWrite, signal: AbortSignal): Promise<Landed>
  /**
   * Where a write takes two calls: the first, which no reader sees. May be called again with the
   * same token. Its token is durable before.
   */
  stage?(write: EntryWrite, signal: AbortSignal): Promise<void>
  /** Takes away what `stage` left under this token, unless it is live. Nothing there: a success. */
  drop?(token: string, signal: AbortSignal): Promise<void>
  /**
   * Where a manager compares nothing: what became of a write whose answer was lost, by what stands
   * there since. refused: it has landed, and is undone, or replaced by others. undefined: it has not
   * landed until now.
   */
  find?(write: EntryWrite, signal: AbortSignal): Promise<Landed | undefined>
}

/**
 * What a manager without compare-and-swap implements: what is added replaces what stands there,
 * whoever wrote it, and stays readable under its mark. `plugins/outputs/entry/uncompared.ts` makes
 * an `Entry` of it, by a look before and after each write.
 */
export interface UncomparedEntry extends Omit<Entry, "write" | "stage" | "drop" | "find"> {
  /**
   * One request, sent once: the mark of what it added. `over`: what stood there as it was planned;
   * undefined: it is refused unless there is no entry.
   */
  add(bytes: Uint8Array, over: string | undefined, signal: AbortSignal): Promise<string>
  /** Of what `add` throws: nothing of the request can land. */
  isRefusal(error: unknown): boolean
  /** Nothing came between these two; undefined: marks do not tell. */
  follows(over: string, mark: string): boolean | undefined
  /** What was written after `over`, the oldest first; the newest at least, if there are many. */
  since(over: string, signal: AbortSignal): Promise<readonly Seen[]>
}

/** `account`: for people: "approle (policies shop, default)". */
export type EntryInspection = { readonly account: string; readonly findings: readonly Finding[] }

/**
 * How long programs may go on with what they have read of an entry: the sum of all caches on the
 * way. `on`: they read it once, at their start, and their deployment restarts; or they read it anew
 * when a login is refused. Then nothing is waited for.
 */
export type Readers = { readonly withinMs: number; readonly on?: "restart" | "refusal" }

/** Where the config does not say: the most common default of caches. */
const defaultWithinMs = 3_600_000

export function withinMsOf(readers: Readers | undefined): number {
  return readers?.withinMs ?? defaultWithinMs
}

export function isEntry({ place }: { readonly place?: OutputPlace }): boolean {
  return place?.kind === "entry"
}
