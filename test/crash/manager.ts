import { AppError } from "../../src/base/error.ts"
import type { Entry, EntryWrite, Landed, Seen, UncomparedEntry } from "../../src/core/entry.ts"
import type { Output } from "../../src/core/ports.ts"
import { openEntry } from "../../src/plugins/outputs/entry/output.ts"
import { LookWriteLook } from "../../src/plugins/outputs/entry/uncompared.ts"

/**
 * A secret manager in memory, with one entry: versions, compare-and-swap, answers that are lost,
 * requests that land late, silence from a call on, and another program that writes between our look and
 * our write.
 */

export type ManagerFault = {
  /** From this call on it gives no answer; `lands`: what it is sent it takes all the same. */
  readonly silent?: { readonly from: number; readonly to?: number; readonly lands?: true }
  /** The answer of this write is lost; it lands at once, or some calls later. */
  readonly loses?: { readonly write: number; readonly late?: number }
  /** Another program writes a key of its own before each second write of ours. */
  readonly meddles?: true
  /** A write takes two calls. */
  readonly stages?: true
  /** It compares nothing: a write replaces what stands there, whoever wrote it, also one that lands late. */
  readonly uncompared?: true
}

type Late = { readonly write: EntryWrite; countdown: number }
type Content = Readonly<Record<string, string>>
/** An instant at which the process may end; `dies`: it ends at the next one. */
export type Instants = { readonly instant: () => Promise<void>; readonly dies: () => boolean }

export const entryId = "mem:shop"
export const foreignKey = "others"

export class Manager {
  content: Content
  version = 1
  calls = 0
  writes = 0
  fault: ManagerFault = {}
  late: Late[] = []
  /** Drafts that no reader sees, by token. */
  staged: readonly string[] = []
  onStage: (token: string) => void = () => undefined
  /** What stood there, until when: readers may have it in a cache. */
  history: readonly { readonly until: number; readonly content: Content }[] = []
  /** How many writes of others have been made. */
  others = 0
  /** Calls later, what a process that was killed had sent lands. */
  ghostDelay = 0
  readonly shows: readonly string[]

  constructor(shows: readonly string[], content: Content) {
    this.shows = shows
    this.content = content
  }

  copy(): Manager {
    return Object.assign(new Manager(this.shows, this.content), this, {
      late: this.late.map((one) => ({ ...one })),
    })
  }

  get key(): string {
    const late = this.late.map(({ write, countdown }) => [text(write.bytes), write.over, countdown])
    const { content, version, calls, writes, fault, staged, others } = this
    const counted = fault.silent === undefined ? 0 : calls
    const written = fault.loses === undefined && fault.meddles === undefined ? 0 : writes
    // Where nothing is compared, what became of a write is told by what stood there since.
    const stood = fault.uncompared === true ? this.history.map((one) => one.content) : []
    return JSON.stringify([content, version, counted, written, fault, late, staged, others, stood])
  }

  /** What a reader may go on with, if it keeps what it has read for so long (ms). */
  cached(name: string, now: number, forMs: number): readonly string[] {
    const young = this.history.filter(({ until }) => until + forMs > now)
    return [this.content, ...young.map(({ content }) => content)].flatMap(
      (content) => content[name] ?? [],
    )
  }

  /** Everything that is still under way lands, or is refused. */
  flush(now: number): void {
    for (const { write } of this.late) this.#land(write, now)
    this.late = []
  }

  /** Another program sets our text back to what it was. */
  putBack(name: string, value: string, now: number): void {
    this.#become({ ...this.content, [name]: value }, now)
  }

  output(
    templates: Readonly<Record<string, string>>,
    process: Instants,
    now: () => number,
  ): Output {
    return openEntry({ entry: this.#entry(process, now), variables: templates })
  }

  #entry(process: Instants, now: () => number): Entry {
    const look = async <T>(effect: () => T): Promise<T> => {
      await process.instant()
      this.#count(now())
      if (this.#isSilent) throw noAnswer()
      const result = effect()
      await process.instant()
      return result
    }
    const base: Entry = {
      id: entryId,
      label: "the entry shop of a manager in memory",
      mark: () => look(() => String(this.version)),
      read: () => look((): Seen => ({ bytes: bytes(this.content), mark: String(this.version) })),
      write: (write) => this.#write(write, process, now),
    }
    if (this.fault.uncompared === true)
      return new LookWriteLook(this.#uncompared({ base, look }, process, now))
    if (this.fault.stages !== true) return base
    return {
      ...base,
      stage: ({ token }) =>
        look(() => {
          this.onStage(token)
          this.staged = [...this.staged.filter((one) => one !== token), token]
        }),
      drop: (token) => look(() => void (this.staged = this.staged.filter((one) => one !== token))),
    }
  }

  #uncompared(
    { base, look }: { base: Entry; look: <T>(effect: () => T) => Promise<T> },
    process: Instants,
    now: () => number,
  ): UncomparedEntry {
    return {
      ...base,
      add: async (bytes, over) => {
        const landed = await this.#write({ bytes, over, token: "" }, process, now)
        if (landed.is !== "done") throw noAnswer()
        return landed.mark
      },
      isRefusal: () => false,
      follows: (over, mark) => Number(mark) === Number(over) + 1,
      since: (over) =>
        look(() =>
          [...this.history.map(({ content }) => content), this.content]
            .map((content, index) => ({ bytes: bytes(content), mark: String(index + 1) }))
            .slice(Number(over)),
        ),
    }
  }

  async #write(write: EntryWrite, process: Instants, now: () => number): Promise<Landed> {
    await process.instant()
    this.#count(now())
    this.writes++
    const { silent, loses, meddles } = this.fault
    if (meddles === true && this.writes % 2 === 1) {
      this.others++
      this.#become({ ...this.content, [foreignKey]: `o${this.others}` }, now())
    }
    if (this.ghostDelay > 0 && process.dies()) {
      this.late.push({ write, countdown: this.ghostDelay })
      await process.instant()
    }
    if (this.#isSilent) {
      if (silent?.lands === true) this.#land(write, now())
      await process.instant()
      return { is: "unknown", reason: "no answer" }
    }
    if (loses?.write === this.writes && loses.late !== undefined) {
      this.late.push({ write, countdown: loses.late })
      await process.instant()
      return { is: "unknown", reason: "the answer was lost" }
    }
    const landed = this.#land(write, now())
    await process.instant()
    return loses?.write === this.writes ? { is: "unknown", reason: "the answer was lost" } : landed
  }

  #land({ bytes: next, over, token }: EntryWrite, now: number): Landed {
    if (this.fault.uncompared !== true && over !== String(this.version))
      return { is: "refused", reason: "it is at another version" }
    if (this.fault.stages === true && !this.staged.includes(token))
      throw new Error("it was not staged under its token")
    this.staged = this.staged.filter((one) => one !== token)
    this.#become(JSON.parse(text(next)) as Content, now)
    return { is: "done", mark: String(this.version) }
  }

  #become(content: Content, now: number): void {
    this.history = [...this.history, { until: now, content: this.content }]
    this.content = content
    this.version++
  }

  #count(now: number): void {
    this.calls++
    for (const one of this.late) one.countdown--
    const due = this.late.filter(({ countdown }) => countdown <= 0)
    this.late = this.late.filter(({ countdown }) => countdown > 0)
    for (const { write } of due) this.#land(write, now)
  }

  get #isSilent(): boolean {
    const { silent } = this.fault
    if (silent === undefined) return false
    return this.calls >= silent.from && this.calls < (silent.to ?? Number.POSITIVE_INFINITY)
  }
}

function noAnswer(): AppError {
  return new AppError("no-answer", "the manager gives no answer", { remedy: "retry" })
}
function bytes(content: Content): Uint8Array {
  return Buffer.from(JSON.stringify(content))
}
function text(content: Uint8Array): string {
  return Buffer.from(content).toString()
}
