import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { stringify } from "yaml"
import { AppError } from "../../src/base/error.ts"
import { ConfigProblems } from "../../src/config/problems.ts"
import { load } from "./fake-plugins.ts"
import { runs } from "../support/fuzzed.ts"

/** Whatever the file holds: a config, or an AppError; each problem with a place that exists in the text. */
function survives(text: string): void {
  try {
    load(text)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (!(error instanceof ConfigProblems)) return
    const lines = text.split("\n").length
    expect(error.problems.length).toBeGreaterThan(0)
    for (const { line, column } of error.problems) {
      expect(line).toBeWithin(1, lines + 1)
      expect(column).toBeGreaterThan(0)
    }
  }
}

const keys = [
  "project",
  "store",
  "schedule",
  "timezone",
  "recipients",
  "identity",
  "rotate_every",
  "environments",
  "production",
  "secrets",
  "outputs",
  "deployments",
  "driver",
  "grace",
  "tags",
  "end_sessions",
  "generated",
  "postgres",
  "address",
  "roles",
  "dotenv",
  "variables",
  "A",
  "compose",
  "healthy",
  "http",
  "within",
  "reads",
  "timeout",
  "__proto__",
  "constructor",
  "toString",
  "<<",
  "0",
  "-1",
  "",
]
const scalars = fc.oneof(
  fc.constantFrom(
    "generated",
    "postgres",
    "90d",
    "0s",
    "never",
    "0 3 * * *",
    "UTC",
    "{{ postgres.user }}",
    "{{ x.y }}",
    ".env",
    "shop",
    null,
    true,
    0,
    -0,
    1e308,
    NaN,
  ),
  fc.string(),
  fc.integer(),
  fc.double(),
)

const { value } = fc.letrec<{ value: unknown; map: unknown; list: unknown }>((tie) => ({
  value: fc.oneof({ depthSize: "small", withCrossShrink: true }, scalars, tie("map"), tie("list")),
  map: fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), tie("value"), { maxKeys: 6 }),
  list: fc.array(tie("value"), { maxLength: 4 }),
}))

describe("parseConfig() survives", () => {
  test("any text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string()), survives),
      runs(500),
    )
  })

  test("texts made of what YAML is made of", () => {
    const token = fc.oneof(
      fc.constantFrom(
        "{",
        "}",
        "[",
        "]",
        ":",
        ": ",
        ",",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "&a ",
        "*a",
        "!t ",
        "|\n",
        ">\n",
        '"',
        "'",
        "#",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "? ",
        "\t",
        "{{ ",
        " }}",
        "<<: ",
      ),
      fc.constantFrom(...keys),
      scalars.map(String),
    )
    fc.assert(
      fc.property(fc.array(token, { maxLength: 60 }), (tokens) => survives(tokens.join(""))),
      runs(2000),
    )
  })

  test("any data", () => {
    fc.assert(
      fc.property(value, (data) => survives(stringify(data))),
      runs(1000),
    )
  })

  test("any data in any part", () => {
    const part = fc.constantFrom(
      "secrets",
      "outputs",
      "deployments",
      "schedule",
      "timezone",
      "rotate_every",
      "grace",
    )
    fc.assert(
      fc.property(part, value, (name, data) =>
        survives(
          stringify({
            project: "shop",
            rotate_every: "9d",
            environments: { production: { secrets: { a: "generated" }, [name]: data } },
          }),
        ),
      ),
      runs(1000),
    )
    fc.assert(
      fc.property(value, value, value, (a, b, c) =>
        survives(
          stringify({
            project: "shop",
            rotate_every: "9d",
            environments: {
              production: { secrets: { postgres: a }, outputs: [b], deployments: { api: c } },
            },
          }),
        ),
      ),
      runs(1000),
    )
  })

  test("bombs, in time", () => {
    const levels = Array.from(
      { length: 30 },
      (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level}, `.repeat(9)}]`,
    )
    const started = performance.now()
    survives(`l0: &l0 [a, b]\n${levels.join("\n")}\n`)
    survives("[".repeat(100_000))
    survives("- ".repeat(100_000))
    survives(`${"a: {".repeat(50_000)}`)
    survives(`project: ${"x".repeat(1_000_000)}\n`)
    // Tells work that grows with the text from work that explodes, also on a busy machine.
    expect(performance.now() - started).toBeLessThan(60_000)
  }, 120_000)
})
