import { digitsOfRow, longestRow, ungrouped } from "../base/text/hex-dump.ts"
import { TextFinder } from "../base/text/text-finder.ts"
import { formsOf } from "../core/forms.ts"

/** One form of a value that is looked for. `encoded`: white space may stand in it anywhere. */
export type Pattern = { readonly form: string; readonly bytes: Buffer; readonly encoded: boolean }

/** The forms in which a leaked text may hold a value. */
export function patternsOf(value: string): readonly Pattern[] {
  const wide = Buffer.from(value, "utf16le")
  return [
    ...formsOf(value).map(([form, text]) => ({
      form,
      bytes: Buffer.from(text),
      encoded: /^(base64|hex)/.test(form),
    })),
    { form: "UTF-16", bytes: wide, encoded: false },
    { form: "UTF-16", bytes: Buffer.from(wide).swap16(), encoded: false },
  ]
}

/**
 * Which patterns stand in the text: as it is, without its line breaks (base64 and hex are wrapped by
 * the programs that write them), or in a hex dump. One pass, bounded memory.
 */
export async function searchText(
  patterns: readonly Pattern[],
  source: AsyncIterable<Uint8Array>,
): Promise<ReadonlySet<number>> {
  const encoded = patterns.flatMap(({ encoded: is }, index) => (is ? [index] : []))
  const encodedFinder = (): TextFinder =>
    new TextFinder(encoded.map((index) => patterns[index]?.bytes ?? Buffer.alloc(0)))
  const [plain, joined, dumped] = [
    new TextFinder(patterns.map(({ bytes }) => bytes)),
    encodedFinder(),
    encodedFinder(),
  ]
  const lines = new Lines()
  for await (const part of source) {
    plain.feed(part)
    const { text, digits } = lines.feed(Buffer.from(part.buffer, part.byteOffset, part.length))
    joined.feed(text)
    if (digits !== "") dumped.feed(Buffer.from(digits))
  }
  dumped.feed(Buffer.from(lines.end()))
  const others = [...joined.end(), ...dumped.end()].flatMap((at) => encoded[at] ?? [])
  return new Set([...plain.end(), ...others].sort((one, other) => one - other))
}

type Fed = { readonly text: Buffer; readonly digits: string }

/** The text without its line breaks and what indents its lines, and the digits of its hex dumps. */
class Lines {
  /** The beginning of a line that goes on in the next part. */
  #rest: Buffer = Buffer.alloc(0)

  feed(part: Buffer): Fed {
    const text = Buffer.allocUnsafe(part.length)
    let length = 0
    let digits = ""
    for (let start = 0; start < part.length; ) {
      const found = part.indexOf(0x0a, start)
      const next = found < 0 ? part.length : found
      const end = next > start && part[next - 1] === 0x0d ? next - 1 : next
      let from = start
      while (from < end && (part[from] === 0x20 || part[from] === 0x09)) from++
      const grouped = ungrouped(part, from, end)
      length +=
        grouped === undefined
          ? part.copy(text, length, from, end)
          : grouped.copy(text, length, 0, grouped.length)
      if (start === 0 && this.#rest.length > 0) digits += this.#rowAcross(part, end)
      else if (found >= 0) digits += digitsOfRow(part, start, end) ?? ""
      if (found < 0) this.#keep(part.subarray(start), start === 0)
      else this.#rest = this.#rest.length > 0 ? Buffer.alloc(0) : this.#rest
      start = next + 1
    }
    return { text: text.subarray(0, length), digits }
  }

  end(): string {
    return digitsOfRow(this.#rest, 0, this.#rest.length) ?? ""
  }

  /** What began in the part before. */
  #rowAcross(part: Buffer, end: number): string {
    const whole = Buffer.concat([this.#rest, part.subarray(0, Math.min(end, longestRow))])
    return digitsOfRow(whole, 0, whole.length) ?? ""
  }

  #keep(tail: Buffer, goesOn: boolean): void {
    const whole = goesOn ? Buffer.concat([this.#rest, tail.subarray(0, longestRow)]) : tail
    // Longer than a row: whatever follows, it is none.
    this.#rest = Buffer.from(whole.subarray(0, longestRow + 1))
  }
}
