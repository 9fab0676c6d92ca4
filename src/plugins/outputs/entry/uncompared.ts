import { describeError } from "../../../base/error.ts"
import type {
  Entry,
  EntryInspection,
  EntryWrite,
  Landed,
  Seen,
  UncomparedEntry,
} from "../../../core/entry.ts"

type Added = {
  readonly bytes: Uint8Array
  readonly over: string | undefined
  readonly mark: string
}

/** Others may write at the same time as we do, each time again. */
const mostTries = 3

const reasons = {
  changed: "another program has written there since",
  undone: "another program wrote there at the same time, and what it wrote stands there again",
  again:
    "others write there again and again, and a version of theirs may be replaced: its history has it",
  late: "it is written, but an earlier write of mycelium whose answer was lost may still replace it",
} as const

/**
 * An entry of a manager that compares nothing: looked at, written, looked at. If the second look
 * shows that another program wrote in between, so that our write has replaced theirs, theirs is
 * written again, and the write is answered as a compare-and-swap would: refused.
 */
export class LookWriteLook implements Entry {
  readonly #entry: UncomparedEntry
  readonly mustHold?: (bytes: Uint8Array) => void
  readonly inspect?: (signal: AbortSignal) => Promise<EntryInspection>
  /** Sent by this run, with no answer, and not seen there: they may still land. */
  #lost: readonly Uint8Array[] = []

  constructor(entry: UncomparedEntry) {
    this.#entry = entry
    if (entry.mustHold !== undefined) this.mustHold = (bytes) => entry.mustHold?.(bytes)
    const inspect = entry.inspect?.bind(entry)
    if (inspect !== undefined) this.inspect = inspect
  }

  get id(): string {
    return this.#entry.id
  }
  get label(): string {
    return this.#entry.label
  }
  mark(signal: AbortSignal): Promise<string | undefined> {
    return this.#entry.mark(signal)
  }
  read(signal: AbortSignal): Promise<Seen | undefined> {
    return this.#entry.read(signal)
  }
  async mayWrite(seen: Seen | undefined, signal: AbortSignal): Promise<void> {
    await this.#entry.mayWrite?.(seen, signal)
  }

  async write({ bytes, over }: EntryWrite, signal: AbortSignal): Promise<Landed> {
    const no = await this.#lookFirst(over, signal)
    if (no !== undefined) return no
    const added = await this.#add(bytes, over, signal)
    if (typeof added !== "string") return added
    try {
      return await this.#lookAgain({ bytes, over, mark: added }, signal)
    } catch (error) {
      return { is: "unknown", reason: describeError(error).message }
    }
  }

  /** By all contents since: the lost one is among them, or it has not landed until now. */
  async find({ bytes, over }: EntryWrite, signal: AbortSignal): Promise<Landed | undefined> {
    // One that is made only where there is none is compared.
    if (over === undefined) return undefined
    const since = await this.#entry.since(over, signal)
    const at = since.findLastIndex((one) => same(one.bytes, bytes))
    const own = since[at]
    if (own === undefined) return undefined
    const theirs = this.#foreign(since.slice(0, at + 1), bytes)
    if (at < since.length - 1) return this.#no(reasons.changed)
    return theirs === undefined
      ? this.#done(bytes, own.mark)
      : this.#giveBack(theirs, own.mark, signal)
  }

  /** Why it is not sent. What cannot be seen is not written over. */
  async #lookFirst(over: string | undefined, signal: AbortSignal): Promise<Landed | undefined> {
    if (over === undefined) return undefined
    try {
      const mark = await this.#entry.mark(signal)
      return mark === over ? undefined : this.#no(reasons.changed)
    } catch (error) {
      return this.#no(describeError(error).message)
    }
  }

  /** The mark of what it added. */
  async #add(
    bytes: Uint8Array,
    over: string | undefined,
    signal: AbortSignal,
  ): Promise<string | Landed> {
    try {
      return await this.#entry.add(bytes, over, signal)
    } catch (error) {
      const { message: reason } = describeError(error)
      if (this.#entry.isRefusal(error)) return this.#no(reason)
      this.#lost = [...this.#lost, bytes]
      return { is: "unknown", reason }
    }
  }

  async #lookAgain(added: Added, signal: AbortSignal): Promise<Landed> {
    const theirs = await this.#between(added, signal)
    return theirs === undefined
      ? this.#done(added.bytes, added.mark)
      : this.#giveBack(theirs, added.mark, signal)
  }

  /** What another program wrote last between the two; undefined: nothing. */
  async #between(
    { bytes, over, mark }: Added,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    if (over === undefined || this.#entry.follows(over, mark) === true) return undefined
    const since = await this.#entry.since(over, signal)
    const at = since.findIndex((one) => one.mark === mark)
    return this.#foreign(at < 0 ? since : since.slice(0, at), bytes)
  }

  /** The newest of these that this run has not sent. What was lost and is here has landed. */
  #foreign(contents: readonly Seen[], own: Uint8Array): Uint8Array | undefined {
    let theirs: Uint8Array | undefined
    for (const { bytes } of contents) {
      if (bytes === undefined) continue
      const at = this.#lost.findIndex((one) => same(one, bytes))
      if (at >= 0) this.#lost = this.#lost.toSpliced(at, 1)
      else if (!same(bytes, own)) theirs = bytes
    }
    return theirs
  }

  async #giveBack(theirs: Uint8Array, mark: string, signal: AbortSignal): Promise<Landed> {
    let [back, over] = [theirs, mark]
    for (let tries = 0; tries < mostTries; tries++) {
      const next = await this.#entry.add(back, over, signal)
      const newer = await this.#between({ bytes: back, over, mark: next }, signal)
      if (newer === undefined) return this.#no(reasons.undone)
      back = newer
      over = next
    }
    return this.#no(reasons.again)
  }

  /** Another content of ours that may still land would replace this one. */
  #done(bytes: Uint8Array, mark: string): Landed {
    return this.#lost.every((lost) => same(lost, bytes))
      ? { is: "done", mark }
      : { is: "unknown", reason: reasons.late }
  }

  #no(reason: string): Landed {
    return this.#lost.length === 0 ? { is: "refused", reason } : { is: "unknown", reason }
  }
}

function same(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.from(one).equals(other)
}
