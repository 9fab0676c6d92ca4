import { describe, expect, test } from "bun:test"
import { ConfigProblems, Enough, Faults, formatAll } from "../../src/config/problems.ts"
import { environment, load, problemsOf, secret } from "./fake-plugins.ts"

/**
 * A config that is far too large, or wrong in very many places, costs no more than one that is
 * wrong in a few.
 */

const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n")

function refusal(text: string): ConfigProblems {
  try {
    load(text)
  } catch (error) {
    if (error instanceof ConfigProblems) return error
    throw error
  }
  throw new Error("the config was taken")
}

describe("very many problems", () => {
  test.each([
    ["at the top", lines(5000, (index) => `nobody_knows_${index}: 1`)],
    [
      "in a secret",
      secret(
        "{ driver: " +
          `generated, ${Array.from({ length: 5000 }, (_, index) => `unknown${index}: 1`).join(", ")} ` +
          "}",
      ),
    ],
    [
      "in an output",
      environment(
        "outputs:\n      " +
          "- dotenv: .env\n        " +
          "variables:\n" +
          `${lines(5000, (index) => `          V${index}: "{{ none${index}.password }}"`)}`,
      ),
    ],
    [
      "in environments",
      `project: shop\nenvironments:\n${lines(3000, (index) => `  e${index}: 1`)}`,
    ],
  ])("%s: it is judged no further than 1000, shows 100, and says so", (_, text) => {
    const error = refusal(text)
    expect({ problems: error.problems.length, judged: error.judged }).toEqual({
      problems: 1000,
      judged: false,
    })
    const said = formatAll(error)
    expect(said.match(/mycelium\.yaml:\d+:\d+ /g)?.length).toBe(100)
    expect(said).toEndWith(
      "mycelium: the config has more than 1000 problems, of which the first 100 stand here; nothing was done",
    )
    expect(error.message).toContain("(and at least 999 more)")
    expect(said.length).toBeLessThan(100_000)
  })

  test("those of 101 are counted", () => {
    const error = refusal(lines(100, (index) => `nobody_knows_${index}: 1`))
    expect(formatAll(error)).toEndWith(
      `mycelium: the config has ${error.problems.length} problems, ` +
        "of which the first 100 stand here; nothing was done",
    )
  })

  test("nothing is asked once there are enough", () => {
    const faults = new Faults()
    for (let told = 0; told < 1000; told++) faults.report({ path: [], message: "is wrong" })
    expect(() => faults.report({ path: [], message: "is wrong" })).toThrow(Enough)
  })

  test("of a key that stands very often is told a thousand times at most", () => {
    expect(problemsOf(lines(5000, () => "project: shop")).length).toBeLessThan(1100)
  })
})

describe("what the parser is not shown", () => {
  test.each([
    [
      "300,000 keys",
      lines(300_000, (index) => `k${index}: 1`),
      "the file holds too much: more than 150000 lines and list entries",
    ],
    [
      "300,000 keys on one line",
      `{ ${Array.from({ length: 300_000 }, (_, index) => `k${index}`).join(", ")} }`,
      "the file holds too much: more than 150000 lines and list entries",
    ],
    [
      "50,000 lists, one in another",
      `a: ${"[".repeat(50_000)}${"]".repeat(50_000)}`,
      "nested too deeply",
    ],
    ["50,000 maps, one in another", `a: ${"{a: ".repeat(50_000)}`, "nested too deeply"],
    ["50,000 signs of a list", `${"- ".repeat(50_000)}a`, "nested too deeply"],
  ])("%s: one problem, with its place", (_, text, message) => {
    const { problems } = refusal(text)
    expect(problems.map((one) => one.message)).toEqual([message])
    expect(problems[0]?.line).toBeGreaterThan(0)
  })

  test("ten thousand secrets are taken", () => {
    const secrets = Array.from({ length: 10 }, (_, index) => `s${index}: generated`).join(", ")
    const config = load(
      "project: shop\n" +
        "rotate_every: 90d\n" +
        "environments:\n" +
        `${lines(1000, (index) => `  e${index}: { secrets: { ${secrets} } }`)}`,
    )
    expect(Object.keys(config.environments)).toHaveLength(1000)
  })
})

test("an alias means the anchor before it, also where the name is given twice", () => {
  const config = load(
    "project: &a shop\n" +
      "rotate_every: &b 90d\n" +
      "environments:\n  " +
      "one: { rotate_every: *b, secrets: { k: generated } }\n  " +
      "two: { rotate_every: &b 30d, secrets: { k: generated } }\n  " +
      "three: { rotate_every: *b, secrets: { k: generated } }",
  )
  expect(Object.values(config.environments).map((one) => one.secrets["k"]?.rotateEveryMs)).toEqual(
    [90, 30, 30].map((days) => days * 86_400_000),
  )
})
