import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { randomText } from "../../../../../src/base/random-text.ts"
import { readers } from "../../../../../src/plugins/outputs/dotenv/readers/index.ts"
import { type Reader, isPlain } from "../../../../../src/plugins/outputs/dotenv/readers/reader.ts"
import { fileOf, hostile, read, refusal } from "./values.ts"

const all: readonly (readonly [string, Reader])[] = Object.entries(readers)

/** What each reader must refuse, exactly; everything else it must write. */
const unfit: Readonly<Record<string, (value: string) => boolean>> = {
  portable: () => true,
  compose: () => false,
  shell: () => false,
  systemd: () => false,
  docker: (value) => /\n|\r$/.test(value) || /^(["'])[^]*\1$/.test(value),
  github: (value) => /\n|\r$/.test(value) || /^(["'])[^]*\1$/.test(value),
  python: (value) => value.includes("${") || value.endsWith("\\"),
  dotenv: (value) => value.includes("\r") || value.endsWith("\\") || lacksQuotes(value),
  node: (value) => value.includes("\r") || value.endsWith("\\") || lacksQuotes(value),
  bun: (value) => /[\r\\]/.test(value) || lacksQuotes(value),
  expand: (value) => /[\r\\]/.test(value) || value.includes("$(") || lacksQuotes(value),
}

function lacksQuotes(value: string): boolean {
  return value.includes("'") && value.includes("`") && (value.includes('"') || /\\[nr]/.test(value))
}

describe.each(all)("%s", (name, reader) => {
  test("reads back what it writes, several keys a file", () => {
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 3, maxLength: 6 }), (values) => {
        const { text, meant } = fileOf(reader, values)
        expect(read(reader, text)).toEqual(meant)
      }),
      { numRuns: 500 },
    )
  })

  test("refuses what it must, and no more", () => {
    const expected = unfit[name] ?? (() => false)
    fc.assert(
      fc.property(hostile, (value) => {
        expect("refused" in reader.write(value)).toBe(value.includes("\0") || (!isPlain(value) && expected(value)))
      }),
      { numRuns: 1000 },
    )
  })

  test("never quotes the value when it refuses", () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const written = reader.write(`${value}qzqzqz\0`)
        expect("refused" in written ? written.refused : "").not.toContain("qzqzqz")
      }),
    )
  })

  test("writes generated values and addresses as they are", () => {
    const generated = randomText(32, (count) => crypto.getRandomValues(new Uint8Array(count)))
    for (const value of [generated, `postgresql://app:${generated}@db.internal:5432/shop?sslmode=require`, ""]) {
      expect(reader.write(value)).toEqual({ text: value })
    }
  })

  test("says where each value stands", () => {
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 1, maxLength: 4 }), (values) => {
        const { text } = fileOf(reader, values)
        for (const { key, start, end } of reader.parse(text)) expect(text.slice(0, start).endsWith(`${key}=`) && /^(\n|$)/.test(text.slice(end))).toBe(true)
      }),
    )
  })
})

describe("refusals", () => {
  test.each([
    ["portable", "a b", "some readers of .env files change"],
    ["portable", "a$b", "for:"],
    ["portable", "=a", "for:"],
    ["portable", "http:=a", "for:"],
    ["docker", "a\nb", "line break"],
    ["docker", "a b\r", "carriage return"],
    ["docker", "'a b'", "quotes of its own"],
    ["docker", "é".repeat(40_000), "longer"],
    ["github", "a\nb", "line break"],
    ["dotenv", "a\rb", "carriage return"],
    ["dotenv", "a b\\", "ends in a backslash"],
    ["node", "'\"`", "every kind of quotes"],
    ["bun", "a\\b", "backslash"],
    ["expand", "$(id)", "runs"],
    ["python", "a${b}", "${"],
    ["compose", "a\0", "NUL"],
    ["shell", "a\0", "NUL"],
  ] as const)("%s says why %j cannot be written", (name, value, says) => {
    expect(refusal(readers[name], value)).toContain(says)
  })
})
