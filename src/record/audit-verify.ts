import { lineHash, noHead } from "../core/audit-line.ts"
import { toleranceMs } from "../core/instants.ts"
import type { AuditTail } from "../core/state.ts"
import { type AuditEntry, readLog } from "./audit-read.ts"
import type { StateKey } from "./state-file.ts"

/**
 * The event that says that lines were removed for their age: up to line `through`, whose hash was
 * `head`. One for each segment, so that a crash between two removals is no alarm.
 */
export const shortened = "shorten-log"

/** Heads by the number of their line; more than one where two disagree. */
export type Heads = ReadonlyMap<number, ReadonlySet<string>>

export type Verified = {
  /** The number of the last line. */
  readonly lines: number
  /**
   * The first line that is still there; the ones before were removed for their age, which a line
   * says.
   */
  readonly first: number
  readonly torn: number
  /**
   * How many lines bear a time before that of the line before: the clock was set back. That is no
   * fault of the log.
   */
  readonly setBack: number
  readonly head: string
  /**
   * How many lines after the last one the state alone holds: a killed run had not written them yet,
   * or they were cut off since.
   */
  readonly riding: number
  /** How many of the kept heads were found right. */
  readonly held: number
  readonly faults: readonly string[]
}

/**
 * Follows the chain from the first line to what the state knows. Finds an edited, removed, inserted
 * or swapped line and a cut tail; who can write both the log and the MACed state can forge both:
 * only heads kept elsewhere show that. `issued` must have been read before the log is; `latest` is
 * asked where the log has gone on since, and reads it anew.
 */
export async function verifyLog(
  place: StateKey,
  known: AuditTail | undefined,
  heads: Heads,
  latest?: () => Promise<AuditTail | undefined>,
): Promise<Verified> {
  const chain = new Chain(known, heads)
  for await (const { line, entry } of readLog(place)) {
    if (entry === undefined) chain.fragment(line)
    else chain.line(line, entry)
  }
  const later = known !== undefined && chain.lines > known.count ? await latest?.() : undefined
  return chain.end(Math.max(later?.count ?? 0, known?.count ?? 0))
}

class Chain {
  readonly #known: AuditTail | undefined
  readonly #heads: Heads
  readonly #faults: string[] = []
  /** What an append left half done, until the line is seen that it must be the beginning of. */
  #fragments: string[] = []
  /** What lines say of those that were removed: the number of the last one, and its hash. */
  readonly #removed = new Map<unknown, unknown>()
  #before: { readonly through: number; readonly head: unknown } | undefined
  #head = noHead
  #count = 0
  #torn = 0
  #setBack = 0
  #at = ""
  #held = 0

  constructor(known: AuditTail | undefined, heads: Heads) {
    this.#known = known
    this.#heads = heads
  }

  /**
   * A crash in an append leaves part of a line (its end: half a character, or NULs where the disk
   * was not written), and the whole line comes again right after it.
   */
  fragment(text: string): void {
    this.#torn++
    this.#fragments.push(text.replace(/[\0\uFFFD]+$/, ""))
  }

  line(line: string, entry: AuditEntry): void {
    const { n } = entry
    if (this.#fragments.some((text) => !line.startsWith(text)))
      this.#faults.push(`before line ${n} stands text that no append left there`)
    this.#fragments = []
    if (this.#before === undefined && n > 1) this.#before = { through: n - 1, head: entry["prev"] }
    else if (n !== this.#count + 1)
      this.#faults.push(
        n > this.#count
          ? `${linesFrom(this.#count + 1, n - 1)} missing: after ${this.#count} comes ${n}`
          : `line ${n} stands after line ${this.#count}`,
      )
    else if (entry["prev"] !== this.#head)
      this.#faults.push(
        `line ${n} does not follow from the one before: ` +
          `${this.#count === 0 ? "the beginning" : `line ${this.#count} or ${n}`} was changed`,
      )
    this.#before ??= { through: 0, head: noHead }
    if (entry.event === shortened) this.#removed.set(entry["through"], entry["head"])
    if (Date.parse(entry.at) < Date.parse(this.#at) - toleranceMs) this.#setBack++
    this.#at = entry.at
    this.#count = n
    this.#head = lineHash(line)
    this.#compare()
  }

  #compare(): void {
    const kept = this.#heads.get(this.#count)
    if (kept !== undefined) {
      if (kept.size > 1)
        this.#faults.push(
          `two different heads of line ${this.#count} were kept: one of them is not of this log`,
        )
      else if (kept.has(this.#head)) this.#held++
      if (!kept.has(this.#head))
        this.#faults.push(
          `line ${this.#count} is not the one whose head was kept: it, or a line before it, was changed`,
        )
    }
    if (this.#count === this.#known?.count && this.#head !== this.#known.head)
      this.#faults.push(`line ${this.#count} is not the one that the state knows`)
  }

  get lines(): number {
    return this.#count
  }

  /** `most`: how many lines the state knows by now. */
  end(most: number): Verified {
    const before = this.#before?.through ?? 0
    if (
      before > 0 &&
      (!this.#removed.has(before) || this.#removed.get(before) !== this.#before?.head)
    ) {
      this.#faults.unshift(
        `${linesFrom(1, before)} missing, and no later line says that they were removed for their age`,
      )
    }
    const last = Math.max(0, ...this.#heads.keys())
    if (last > this.#count)
      this.#faults.push(
        `the log ends at line ${this.#count}, but the head of line ${last} was kept: its tail was cut off`,
      )
    if (this.#known !== undefined) {
      const written = this.#known.count - this.#known.lines.length
      if (this.#count < written)
        this.#faults.push(
          `the log ends at line ${this.#count}, but the state knows of ${written}: its tail was cut off`,
        )
      if (this.#count > most)
        this.#faults.push(
          `the state knows of no line after ${most}, but the log goes on to ${this.#count}`,
        )
    }
    return {
      lines: this.#count,
      riding: this.#riding(),
      first: before + 1,
      torn: this.#torn,
      setBack: this.#setBack,
      head: this.#head,
      held: this.#held,
      faults: this.#faults,
    }
  }

  /**
   * Lines that the state knows of and the log does not hold: those that it keeps must go on where
   * the log ends.
   */
  #riding(): number {
    if (this.#known === undefined || this.#faults.length > 0 || this.#count >= this.#known.count)
      return 0
    const left = this.#known.lines.slice(this.#count - this.#known.count)
    const end = left.reduce(
      (head, line) => (prevOf(line) === head ? lineHash(line) : ""),
      this.#head,
    )
    if (end !== this.#known.head)
      this.#faults.push(
        `what the state holds of the log's end does not follow from line ${this.#count}`,
      )
    return left.length
  }
}

function prevOf(line: string): unknown {
  try {
    return (JSON.parse(line) as { readonly prev?: unknown } | null)?.prev
  } catch {
    return undefined
  }
}

function linesFrom(first: number, last: number): string {
  return first === last ? `line ${first} is` : `lines ${first} to ${last} are`
}
