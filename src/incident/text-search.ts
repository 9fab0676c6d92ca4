import { HexDump } from "../base/text/hex-dump.ts"
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
 * Which patterns stand in the text: as it is, without its white space (base64 and hex are wrapped
 * and grouped by the programs that write them), or in a hex dump. One pass, bounded memory.
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
  const dump = new HexDump()
  for await (const part of source) {
    plain.feed(part)
    joined.feed(withoutSpace(part))
    dumped.feed(dump.feed(part))
  }
  dumped.feed(dump.end())
  const others = [...joined.end(), ...dumped.end()].flatMap((at) => encoded[at] ?? [])
  return new Set([...plain.end(), ...others].sort((one, other) => one - other))
}

/** NUL goes as well: base64 in UTF-16 is found, too. */
function withoutSpace(part: Uint8Array): Uint8Array {
  const kept = new Uint8Array(part.length)
  let length = 0
  for (const byte of part) if (byte > 0x20) kept[length++] = byte
  return kept.subarray(0, length)
}
