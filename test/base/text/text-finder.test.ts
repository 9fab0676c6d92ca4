import { expect, test } from "bun:test"
import fc from "fast-check"
import { TextFinder } from "../../../src/base/text/text-finder.ts"
import { runs } from "../../support/fuzzed.ts"

async function* inParts(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

/** Few letters: texts overlap, repeat and begin inside one another. */
const letters = fc.stringMatching(/^[ab]{4,40}$/)

test("finds exactly the texts that stand in the stream, however it is cut into parts", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(letters, { minLength: 1, maxLength: 8 }),
      fc.stringMatching(/^[abc]{0,400}$/),
      fc.integer({ min: 1, max: 500 }),
      async (texts, stream, size) => {
        const found = await new TextFinder(texts.map((text) => Buffer.from(text))).find(
          inParts(Buffer.from(stream), size),
        )
        expect([...found]).toEqual(
          texts.flatMap((text, index) => (stream.includes(text) ? [index] : [])),
        )
      },
    ),
    runs(500),
  )
})

test("finds a text across the edge of its own buffer, and at the very end", async () => {
  const text = Buffer.from("Needle-0123456789.abcdef")
  const finder = (bytes: Uint8Array): Promise<ReadonlySet<number>> =>
    new TextFinder([Buffer.from("another text that is not there"), text]).find(
      inParts(bytes, 1 << 16),
    )
  for (const at of [(1 << 20) - 10, (1 << 20) + 5, (1 << 20) + 29 - 24, 3 * (1 << 20) - 24]) {
    const bytes = Buffer.alloc(3 * (1 << 20), 0x78)
    text.copy(bytes, at)
    expect({ at, found: [...(await finder(bytes))] }).toEqual({ at, found: [1] })
  }
})
