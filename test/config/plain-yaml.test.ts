import { describe, expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { stringify } from "yaml"
import { loadConfig } from "../../src/config/load.ts"
import { parseConfig } from "../../src/config/parse.ts"
import { readPlainYaml } from "../../src/config/plain-yaml.ts"
import { ConfigProblems } from "../../src/config/problems.ts"
import { parseYaml } from "../../src/config/yaml.ts"
import { plugins, surroundings } from "./fake-plugins.ts"
import { runs } from "../support/fuzzed.ts"

/** The fast reading is that of the parser which remembers places, to the last value, or it is none. */

/** Tells numbers from texts, and 0 from -0. */
function exactly(value: unknown): string {
  return JSON.stringify(value, (_, inside: unknown) =>
    typeof inside === "number" ? `number ${Object.is(inside, -0) ? "-0" : inside}` : inside,
  )
}

/** Is it read natively? Then alike. */
function alike(text: string): boolean {
  const plain = readPlainYaml(text)
  if (plain === undefined) return false
  const yaml = parseYaml(text)
  expect({ text, refused: yaml.spots, value: exactly(plain.value) }).toEqual({
    text,
    refused: [],
    value: exactly(yaml.value),
  })
  return true
}

const example = readFileSync(join(import.meta.dir, "..", "..", "config", "example.yaml"), "utf8")
const bases = [
  example,
  'a: 1\nb:\n  c: d\n  e: [f, g, {h: i}]\nj:\n  - k\n  - l: m\n    n: o\np: "q r" # s\n',
  "x:\n- a\n- b\ny: {c: d, e: 'f'}\n",
  "# c\na: {b: 1, c: 2}\nd:\n\n  e: f\n",
  "- a\n- b: c\n  d: e\n- f: g\n- [1, 2]\n",
  "a: [b, c]\nd: { e: f, \"g h\": 'i''j', k: \"l\\nm\" }\nn: o p # q\n",
  "a: [b,\n  c] # d\ne:\n  f: { g: h,\n    # i\n    j: k }\n",
  `${JSON.stringify({ a: [1, "b", { c: "d", e: [] }], f: {} }, null, 2)}\n`,
]
const pieces = [
  "{",
  "}",
  "[",
  "]",
  ":",
  ": ",
  ",",
  ", ",
  "- ",
  "\n",
  "\n  ",
  "\n    ",
  "|\n",
  '"',
  "'",
  "#",
  " #",
  "---\n",
  "a",
  "b",
  "1",
  " ",
  "a: ",
  "b: 1\n",
  "- x\n",
  "\n\n",
  "''",
  "null",
  "~",
  "-",
  "\\",
  "é",
  "–",
  "0x1",
  "1e5",
  ".5",
  "true",
  "TRUE",
  "No",
  "yes",
  "\\n",
  "<<: ",
  "{{ x.y }}",
  '"{{ x.y }}"',
  "? ",
  "&a ",
  "*a",
  "!t ",
  ">",
  "%",
  "@",
  "`",
  "\t",
  "\r\n",
  "0o7",
  "-0",
  "+1",
  "1_0",
  "2026-11-01",
  "12345678901234567890",
  "0.1234567890123456789",
  ".inf",
  ".nan",
  "1e999",
  "\ufeff",
  "__proto__",
  "=",
  "$",
  "/",
]
/** A cut: where, how much goes, what comes. */
const cut = fc.record({
  at: fc.nat(),
  goes: fc.constantFrom(0, 0, 0, 1, 2, 3),
  comes: fc.constantFrom("", ...pieces),
})

/** Some lines of a text, cut about. */
const texts = fc
  .record({
    base: fc.constantFrom("", ...bases),
    from: fc.nat(),
    lines: fc.integer({ min: 1, max: 12 }),
    cuts: fc.array(cut, { maxLength: 5 }),
  })
  .map(({ base, from, lines, cuts }) => {
    const all = base.split("\n")
    const first = base.length > 300 ? from % all.length : 0
    const start = base.length > 300 ? all.slice(first, first + lines).join("\n") : base
    return cuts.reduce((text, { at, goes, comes }) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + comes + text.slice(place + goes)
    }, start)
  })

describe("readPlainYaml() reads alike, or not at all,", () => {
  test("texts that were cut about", () => {
    const many = runs(20_000)
    let read = 0
    fc.assert(
      fc.property(texts, (text) => void (alike(text) && read++)),
      many,
    )
    expect(read).toBeGreaterThan(many.numRuns / 10)
  }, 120_000)

  test("what looks like a number, a date, a yes or a nothing", () => {
    const scalar = fc.oneof(
      fc.string({
        unit: fc.constantFrom(..."0123456789+-.eExXob_:~nNulTrtyYaAfF /#"),
        minLength: 1,
        maxLength: 10,
      }),
      fc.double().map(String),
      fc.integer().map(String),
    )
    const many = runs(5000)
    let read = 0
    fc.assert(
      fc.property(scalar, (one) =>
        [
          `a: ${one}\n`,
          `a: [${one}, b]\n`,
          `a: {b: ${one}}\n`,
          `${one}: a\n`,
          `- ${one}\n- b: ${one}`,
        ].forEach((text) => alike(text) && read++),
      ),
      many,
    )
    expect(read).toBeGreaterThan((many.numRuns * 2) / 5)
  }, 60_000)

  test("any data, as YAML and as JSON", () => {
    const data = fc.jsonValue({ maxDepth: 4 })
    fc.assert(
      fc.property(data, (value) =>
        [stringify(value), JSON.stringify(value, null, 2), JSON.stringify(value)].forEach(alike),
      ),
      runs(1000),
    )
  }, 60_000)
})

test("the example, configs of many environments, and JSON are read so", () => {
  // It shows a template of several lines, which the parser with places reads.
  expect(alike(example)).toBe(false)
  expect(alike(example.replace(/^( *)text: \|\n(\1 +.*\n|\n)+/m, "$1text: one\n"))).toBe(true)
  expect(
    alike(
      "project: shop\n" +
        "environments:\n" +
        `${Array.from({ length: 2000 }, (_, index) => `  e${index}: { secrets: { s: generated } }\n`).join("")}`,
    ),
  ).toBe(true)
  expect(
    alike(
      JSON.stringify(
        { project: "shop", environments: { production: { secrets: { key: "generated" } } } },
        null,
        2,
      ),
    ),
  ).toBe(true)
})

test.each([
  ["a key that stands twice", "a: 1\na: 2\n"],
  ["the same in brackets", "a: {b: 1, b: 2}\n"],
  ["a key without a value in brackets", "a: {b, b: 1}\n"],
  ["an anchor", "a: &b 1\nc: 2\n"],
  ["an alias", "a: *b\n"],
  ["a merge key", "<<: { a: 1 }\n"],
  ["a tag", "a: !!str 1\n"],
  ["a directive", "%YAML 1.1\n---\na: 1\n"],
  ["a second document", "a: 1\n---\nb: 2\n"],
  ["a text of several lines", "a: |\n  b\n"],
  ["one that goes on below", "a: b\n  c\n"],
  ["a tab", "a:\tb\n"],
  ["other ends of lines", "a: 1\r\nb: 2\r\n"],
  ["a number that is none", "a: .nan\n"],
  ["an octal number", "a: 0o7\n"],
  ["more digits than a number has", "a: 12345678901234567890\n"],
  ["a key that is no text", "true: 1\n"],
  ["the key that every object has", 'a: {"__proto__": 1}\n'],
  ["an escape by number", 'a: "\\u0000"\n'],
  ["a template outside quotes", "a: {{ b.c }}\n"],
  ["wrong indentation", "a:\n    b: 1\n  c: 2\n"],
  ["what is nested deeply", `a: ${"[".repeat(60)}${"]".repeat(60)}\n`],
])("%s goes to the parser that knows places", (_, text) => {
  expect(readPlainYaml(text)).toBeUndefined()
})

test("a line of millions takes no longer than it must", () => {
  const began = performance.now()
  for (const text of [
    `a: [${"b, ".repeat(149_000)}c]\n`,
    `a: b${" ".repeat(1_000_000)}#\n`,
    `a: [${" ".repeat(1_000_000)}#\n]\n`,
    `${"\n".repeat(149_000)}a: 1\n`,
    `a: "${"\\n".repeat(1_000_000)}\n`,
  ])
    readPlainYaml(text)
  expect(performance.now() - began).toBeLessThan(20_000)
}, 60_000)

describe("loadConfig()", () => {
  /** As a file, and as a text whose places are known. */
  async function bothWays(text: string): Promise<readonly unknown[]> {
    const folder = mkdtempSync(join(tmpdir(), "plain-"))
    const path = join(folder, "mycelium.yaml")
    writeFileSync(path, text, { mode: 0o600 })
    const problemsOf = (error: unknown): unknown => {
      if (error instanceof ConfigProblems) return error.problems
      throw error
    }
    try {
      const plain = await loadConfig(path, plugins, surroundings).catch(problemsOf)
      try {
        return [plain, parseConfig(text, path, plugins, surroundings)]
      } catch (error) {
        return [plain, problemsOf(error)]
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test.each([
    [
      "a sound one",
      "project: shop\nenvironments:\n  production:\n    rotate_every: 90d\n    secrets: { key: generated }\n",
    ],
    [
      "one with a misspelt key",
      "project: shop\nenvironments:\n  production:\n    rotat_every: 90d\n    secrets: { key: generated }\n",
    ],
    [
      "one with a wrong value",
      "project: shop\nenvironments:\n  production:\n    rotate_every: 90\n    secrets: { key: generated }\n",
    ],
    [
      "one with aliases",
      "project: shop\n" +
        "rotate_every: &age 90d\n" +
        "environments:\n  " +
        "production:\n    " +
        "rotate_every: *age\n    " +
        "secrets: { key: generated }\n",
    ],
    [
      "one with very many problems",
      Array.from({ length: 1500 }, (_, index) => `nobody_knows_${index}: 1\n`).join(""),
    ],
    ["an empty one", ""],
  ])("says of %s what parseConfig() says, with its places", async (_, text) => {
    const [plain, placed] = await bothWays(text)
    expect(plain).toEqual(placed)
  })
})
