import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { randomText } from "../../../../../src/base/text/random-text.ts"
import { readers } from "../../../../../src/plugins/outputs/dotenv/readers/index.ts"
import {
  type Reader,
  firstReadBack,
  isPlain,
} from "../../../../../src/plugins/outputs/dotenv/readers/reader.ts"
import { fileOf, hostile, read, refusal } from "./values.ts"
import { runs } from "../../../../support/fuzzed.ts"

const all: readonly (readonly [string, Reader])[] = Object.entries(readers)

/**
 * What each reader must refuse; everything else it must write, but for what is `maybe`: readers
 * without escapes, of which the last word has `parse`.
 */
type Bounds = {
  readonly never: (value: string) => boolean
  readonly maybe?: (value: string) => boolean
}
const lines = (value: string): boolean => /\n|\r$/.test(value) || /^(["'])[^]*\1$/.test(value)
const needsAllQuotes = (value: string): boolean =>
  /[#\s"'`\x80-\xff]/.test(value) &&
  value.includes("'") &&
  value.includes("`") &&
  (value.includes('"') || /\\[nr]/.test(value))
const awkward = (value: string): boolean => /\r|\\$/.test(value) || needsAllQuotes(value)
const bounds: Readonly<Record<string, Bounds>> = {
  portable: { never: (value) => !isPlain(value) },
  compose: { never: () => false },
  shell: { never: () => false },
  systemd: { never: () => false },
  docker: { never: lines },
  github: { never: lines },
  python: { never: (value) => /\$\{[^}]*\}/.test(value), maybe: (value) => /\$\{|\\$/.test(value) },
  dotenv: { never: () => false, maybe: awkward },
  node: { never: (value) => /\r/.test(value), maybe: awkward },
  bun: {
    never: (value) => /\r/.test(value) && /(^|[^\\])"/.test(value) && /[\n#]/.test(value),
    maybe: (value) => awkward(value) || value.includes("\\"),
  },
  expand: {
    never: (value) => value.includes("\r") || value.includes("$("),
    maybe: (value) => awkward(value) || value.includes("\\"),
  },
}

describe.each(all)("%s", (name, reader) => {
  test("reads back what it writes, several keys a file", () => {
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 3, maxLength: 6 }), (values) => {
        const { text, meant } = fileOf(reader, values)
        expect(read(reader, text)).toEqual(meant)
      }),
      runs(500),
    )
  })

  test("refuses what it must, and no more", () => {
    const { never, maybe } = bounds[name] ?? { never: () => false }
    fc.assert(
      fc.property(hostile, (value) => {
        const refused = "refused" in reader.write(value)
        if (value.includes("\0") || (!isPlain(value) && never(value))) expect(refused).toBe(true)
        else if (isPlain(value) || maybe?.(value) !== true) expect(refused).toBe(false)
      }),
      runs(1000),
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
    for (const value of [
      generated,
      `postgresql://app:${generated}@db.internal:5432/shop?sslmode=require`,
      "",
    ]) {
      expect(reader.write(value)).toEqual({ text: value })
    }
  })

  test("says where each value stands", () => {
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 1, maxLength: 4 }), (values) => {
        const { text } = fileOf(reader, values)
        for (const { key, start, end } of reader.parse(text))
          expect(text.slice(0, start).endsWith(`${key}=`) && /^(\n|$)/.test(text.slice(end))).toBe(
            true,
          )
      }),
    )
  })
})

/** All strings of up to `longest` of these characters. */
function strings(characters: readonly string[], longest: number): readonly string[] {
  if (longest === 0) return [""]
  const shorter = strings(characters, longest - 1)
  return ["", ...shorter.flatMap((rest) => characters.map((one) => one + rest))]
}

/** Readers without escapes, or with few: what seems to have no way may have an odd one. */
test.each(["dotenv", "node", "bun", "expand", "python"] as const)(
  "%s refuses no value that some short text carries",
  (name) => {
    const { parse, write }: Reader = readers[name]
    const marks = ["a", "'", '"', "`", "\\", "#", " ", "$", "\n", "\r"]
    const refused = new Set(strings(marks, 3).filter((value) => "refused" in write(value)))
    expect(refused.size).toBeGreaterThan(20)
    const quoted = [...refused].flatMap((value) =>
      ["'", '"', "`", ""].flatMap((quote) =>
        [value, value.replaceAll("\n", "\\n").replaceAll("\r", "\\r")].map(
          (text) => `${quote}${text}${quote}`,
        ),
      ),
    )
    const carried = [...strings([...marks, "n", "r"], 4), ...quoted].filter((text) => {
      const value = parse(`A=${text}\n`)[0]?.value
      return (
        value !== undefined &&
        refused.has(value) &&
        firstReadBack(value, [text], parse) !== undefined
      )
    })
    expect(carried).toEqual([])
  },
)

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
    ["dotenv", 'a\r"b#', "carriage return"],
    ["dotenv", "a #\\", "ends in a backslash"],
    ["dotenv", "'\u2028\"`#", "every kind of them"],
    ["node", "'\"`#", "every kind of them"],
    ["bun", "a #\\", "ends in a backslash"],
    ["expand", "$(id)", "runs"],
    ["python", "a${b}", "${"],
    ["compose", "a\0", "NUL"],
    ["shell", "a\0", "NUL"],
  ] as const)("%s says why %j cannot be written", (name, value, message) => {
    expect(refusal(readers[name], value)).toContain(message)
  })
})
