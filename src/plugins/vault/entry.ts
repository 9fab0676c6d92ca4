import type { Entry, EntryInspection, EntryWrite, Landed, Seen } from "../../core/entry.ts"
import { canonical } from "./address.ts"
import { inspectEntry } from "./inspect.ts"
import { mayWrite } from "./may-write.ts"
import { markOf, newestOf, readEntry, versionIn, writeEntry } from "./kv.ts"
import { type EntryOptions, entryId } from "./options.ts"
import type { VaultReach } from "./reach.ts"
import { type VaultSession, withSession } from "./session.ts"

/** How long (ms) a look is good for the next plan: each write compares what was seen. */
const recentMs = 15_000

/** An entry of KV version 2: one write, which compares the newest version (`cas`). */
export class VaultEntry implements Entry {
  readonly id: string
  readonly label: string
  readonly #place: EntryOptions
  readonly #reach: () => VaultReach
  /** Of preflight, for the draft that follows it. */
  #recent: { readonly seen: Seen | undefined; readonly at: number } | undefined
  #judgedAt: number | undefined

  constructor(place: EntryOptions, reach: () => VaultReach) {
    const { server, mount, path } = place
    const namespace = server.namespace === undefined ? "" : `, namespace ${server.namespace}`
    this.id = entryId(place)
    this.label = `the entry ${mount}/${path} of ${canonical(server.address)}${namespace}`
    this.#place = place
    this.#reach = reach
  }

  mark(signal: AbortSignal): Promise<string | undefined> {
    return this.#with(async (session) => {
      const newest = await newestOf(session, this.#place, signal)
      const mark = newest === undefined ? undefined : markOf(newest)
      if (mark !== this.#recent?.seen?.mark) this.#recent = undefined
      return mark
    })
  }

  async read(signal: AbortSignal): Promise<Seen | undefined> {
    if (this.#recent !== undefined && this.#isRecent(this.#recent.at)) return this.#recent.seen
    const at = this.#now()
    const seen = await this.#with((session) => this.#look(session, signal))
    this.#recent = { seen, at }
    return seen
  }

  async mayWrite(seen: Seen | undefined, signal: AbortSignal): Promise<void> {
    if (this.#judgedAt !== undefined && this.#isRecent(this.#judgedAt)) return
    const at = this.#now()
    await this.#with((session) => mayWrite(session, this.#place, seen !== undefined, signal))
    this.#judgedAt = at
  }

  inspect(signal: AbortSignal): Promise<EntryInspection> {
    return this.#with((session) => inspectEntry(session, this.#place, signal))
  }

  write({ bytes, over }: EntryWrite, signal: AbortSignal): Promise<Landed> {
    this.#recent = undefined
    const version = versionIn(over)
    return this.#with((session) =>
      writeEntry(session, this.#place, { text: Buffer.from(bytes).toString(), version }, signal),
    )
  }

  async #look(session: VaultSession, signal: AbortSignal): Promise<Seen | undefined> {
    const { text, newest } = await readEntry(session, this.#place, signal)
    if (newest === undefined) return undefined
    return { bytes: text === undefined ? undefined : Buffer.from(text), mark: markOf(newest) }
  }

  #isRecent(at: number): boolean {
    return this.#now() - at < recentMs
  }

  #now(): number {
    return this.#reach().host?.monotonicMs() ?? Number.POSITIVE_INFINITY
  }

  #with<T>(act: (session: VaultSession) => Promise<T>): Promise<T> {
    return withSession(this.#place.server, this.#reach(), act)
  }
}
