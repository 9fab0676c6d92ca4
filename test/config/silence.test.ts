import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { parse, stringify } from "yaml"
import { AppError } from "../../src/base/error.ts"
import { ConfigProblems, formatProblems } from "../../src/config/problems.ts"
import { load } from "./fake-plugins.ts"
import { runs } from "../support/fuzzed.ts"

/** Wherever a password is written by mistake, no message repeats it. */

const marker = "Hunter2-Zz9"

const whole = `
project: shop
store: /var/lib/mycelium
schedule: "0 3 * * *"
timezone: UTC
recipients: [age1qqq]
identity: { file: /run/identity }
rotate_every: 90d
environments:
  production:
    schedule: "0 3 * * SUN"
    rotate_every: 90d
    grace: 10m
    secrets:
      postgres: { address: x, roles: [a, b], admin: { user: r, password: { env: R } }, grace: 5m, end_sessions: true, tags: [a] }
      key: { driver: generated, length: 35 }
      word: generated
    outputs:
      - dotenv: .env
        for: compose
        mode: "0600"
        variables: { A: "{{ postgres.user }}", B: "{{ key.password }}" }
    deployments:
      api: { compose: { file: a, service: b }, reads: [.env], healthy: { http: "http://x", within: 60s }, timeout: 60s }
      worker: { command: [a, b], healthy: { command: [c] } }
`

type Path = readonly (string | number)[]

/** Each place of a value, maps and lists too. */
function places(value: unknown, path: Path = []): readonly Path[] {
  const inside = typeof value === "object" && value !== null ? Object.entries(value) : []
  const steps = inside.flatMap(([key, item]: [string, unknown]) =>
    places(item, [...path, Array.isArray(value) ? Number(key) : key]),
  )
  return [path, ...steps]
}

function replaced(value: unknown, path: Path, by: unknown): unknown {
  const [step, ...rest] = path
  if (step === undefined) return by
  if (Array.isArray(value))
    return value.map((item: unknown, index) => (index === step ? replaced(item, rest, by) : item))
  return Object.fromEntries(
    Object.entries(Object(value)).map(([key, item]) => [
      key,
      key === step ? replaced(item, rest, by) : item,
    ]),
  )
}

/** All that is ever said about a text: undefined where it is accepted. */
function said(text: string): string | undefined {
  try {
    load(text)
    return undefined
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const problems = error instanceof ConfigProblems ? formatProblems(error.problems) : ""
    return `${error.message} ${error.hint} ${problems} ${Bun.inspect(error)}`
  }
}

const config: unknown = parse(whole)
const everywhere = places(config)
const shapes: readonly unknown[] = [
  marker,
  [marker],
  { [marker]: null },
  { file: [marker] },
  { env: marker },
  `${marker}: ${marker}`,
  `{{ ${marker} }}`,
  `{{ key.${marker} }}`,
  `{{ ${marker}.password }}`,
  482917365,
  true,
  null,
]

describe("no message repeats a value", () => {
  test("the sample is accepted as it is", () => {
    expect(said(whole)).toBeUndefined()
  })

  test("in any place, in any shape", () => {
    for (const path of everywhere) {
      for (const shape of shapes) {
        const words = said(stringify(replaced(config, path, shape)))
        // The path of a name is told: a name is no value.
        if (words !== undefined && !isName(path)) expect(words).not.toContain(marker)
        if (words !== undefined) expect(words).not.toContain("482917365")
      }
    }
  })

  test("in a text that is no YAML, not even as a part of a key", () => {
    // Names and keys are told where they are plain words, which this is not.
    const password = "Hunter2!Zz9"
    const garbage = fc.constantFrom(
      ": ",
      "{",
      "}",
      "[",
      "]",
      '"',
      "'",
      "\n",
      "  ",
      "- ",
      "&",
      "*",
      "!",
      "|",
      ">",
      "#",
      "%",
      "@",
      "`",
      "{{ ",
      " }}",
      "\t",
      "? ",
      ",",
    )
    fc.assert(
      fc.property(
        fc.array(garbage, { maxLength: 6 }),
        fc.nat(),
        fc.array(garbage, { maxLength: 4 }),
        (before, at, after) => {
          const place = at % whole.length
          const words = said(
            `${whole.slice(0, place)}${before.join("")}${password}${after.join("")}${whole.slice(place)}`,
          )
          if (words !== undefined) expect(words).not.toContain(password)
        },
      ),
      runs(800),
    )
  })
})

/** Where a key is a name: of an environment, a secret, a deployment, a variable. */
function isName(path: Path): boolean {
  return ["environments", "secrets", "deployments", "variables"].includes(String(path.at(-1)))
}
