/**
 * Finds which of many texts stand in a stream of bytes, in one pass and bounded memory: Wu and
 * Manber's way ("A fast algorithm for multi-pattern searching", 1994), with blocks of four bytes.
 * Where no text can end, it leaps.
 */

const blockBytes = 4
const tableBits = 19
/** The shortest text bounds the leaps; a longer window brings nothing more. */
const longestWindow = 24
const multiplier = 0x9e3779b1
const chunkBytes = 1 << 20

export class TextFinder {
  readonly #long: readonly Placed[]
  readonly #short: readonly Placed[]
  readonly #longest: number
  readonly #window: number
  readonly #leaps = new Uint8Array(1 << tableBits)
  /** By the hash of the last block of a window: the texts that may begin there. */
  readonly #ends = new Map<number, number[]>()
  readonly #found = new Set<number>()
  readonly #buffer: Buffer
  #filled = 0

  constructor(texts: readonly Uint8Array[]) {
    const placed = texts.map((text, place): Placed => ({ place, text: Buffer.from(text) }))
    // A short text would make every leap short: those few are looked for one by one.
    this.#short = placed.filter(({ text }) => text.length < 12)
    this.#long = placed.filter(({ text }) => text.length >= 12)
    this.#longest = placed.reduce((most, { text }) => Math.max(most, text.length), 0)
    this.#window = this.#long.reduce(
      (least, { text }) => Math.min(least, text.length),
      longestWindow,
    )
    this.#buffer = Buffer.alloc(this.#longest === 0 ? 0 : chunkBytes + this.#longest - 1)
    this.#leaps.fill(Math.max(1, this.#window - blockBytes + 1))
    for (const [index, { text }] of this.#long.entries()) this.#learn(index, text)
  }

  #learn(index: number, text: Uint8Array): void {
    for (let end = blockBytes - 1; end < this.#window; end++) {
      const hash = hashAt(text, end)
      const leap = this.#window - 1 - end
      if (leap < (this.#leaps[hash] ?? 0)) this.#leaps[hash] = leap
      if (leap === 0) this.#ends.set(hash, [...(this.#ends.get(hash) ?? []), index])
    }
  }

  /** The texts found, by their place in the list that it was made with. */
  async find(source: AsyncIterable<Uint8Array>): Promise<ReadonlySet<number>> {
    for await (const part of source) this.feed(part)
    return this.end()
  }

  feed(part: Uint8Array): void {
    if (this.#longest === 0) return
    const overlap = this.#longest - 1
    for (let from = 0; from < part.length; ) {
      const count = Math.min(part.length - from, this.#buffer.length - this.#filled)
      this.#buffer.set(part.subarray(from, from + count), this.#filled)
      this.#filled += count
      from += count
      if (this.#filled < this.#buffer.length) continue
      this.#scan(this.#buffer)
      this.#buffer.copyWithin(0, this.#filled - overlap, this.#filled)
      this.#filled = overlap
    }
  }

  end(): ReadonlySet<number> {
    this.#scan(this.#buffer.subarray(0, this.#filled))
    return new Set([...this.#found].sort((one, other) => one - other))
  }

  #scan(bytes: Buffer): void {
    for (const { place, text } of this.#short)
      if (!this.#found.has(place) && bytes.includes(text)) this.#found.add(place)
    const leaps = this.#leaps
    const last = bytes.length
    if (this.#long.length === 0) return
    for (let at = this.#window - 1; at < last; ) {
      const block =
        (bytes[at - 3] ?? 0) |
        ((bytes[at - 2] ?? 0) << 8) |
        ((bytes[at - 1] ?? 0) << 16) |
        ((bytes[at] ?? 0) << 24)
      const hash = Math.imul(block, multiplier) >>> (32 - tableBits)
      const leap = leaps[hash] ?? 1
      if (leap > 0) at += leap
      else this.#compare(bytes, at++, hash)
    }
  }

  #compare(bytes: Buffer, at: number, hash: number): void {
    const start = at - this.#window + 1
    for (const index of this.#ends.get(hash) ?? []) {
      const one = this.#long[index]
      if (one === undefined || this.#found.has(one.place) || start + one.text.length > bytes.length)
        continue
      if (bytes.compare(one.text, 0, one.text.length, start, start + one.text.length) === 0)
        this.#found.add(one.place)
    }
  }
}

type Placed = { readonly place: number; readonly text: Buffer }

function hashAt(text: Uint8Array, end: number): number {
  const block =
    (text[end - 3] ?? 0) |
    ((text[end - 2] ?? 0) << 8) |
    ((text[end - 1] ?? 0) << 16) |
    ((text[end] ?? 0) << 24)
  return Math.imul(block, multiplier) >>> (32 - tableBits)
}
