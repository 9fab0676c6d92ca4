import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { json } from "../../../src/plugins/outputs/json.ts"
import { errorOf } from "../../support/error-of.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { deliver, fresh, knownOf, never, valuesOf } from "./conformance/harness.ts"
import { type Opens, keys, texts } from "./tree.ts"
import { runs } from "../../support/fuzzed.ts"

const open: Opens = (folder, variables, more) =>
  json.open(json.options.parse({ json: "x.json", variables, ...more }), {
    folder,
    label: "production",
  })
const problems = (options: unknown): string =>
  (json.options.safeParse(options).error?.issues ?? [])
    .map(({ path, message }) => `${path.join(".")}: ${message}`)
    .join("\n")

describe("json", () => {
  test("nests as the config does, and indents by two", async () => {
    await using folder = await temporaryFolder()
    const output = open(folder.path, {
      db: { user: "{{ db.user }}", pool: { size: "5" } },
      "a.b": "x",
    })
    await deliver(output, fresh())
    expect(readFileSync(join(folder.path, "x.json"), "utf8")).toBe(
      '{\n  "db": {\n    "user": "shop",\n    "pool": {\n      "size": "5"\n    }\n  },\n  "a.b": "x"\n}\n',
    )
  })

  test("holds any text under any key, as JSON.parse reads it", async () => {
    await using folder = await temporaryFolder()
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(keys, { minLength: 1, maxLength: 4 }),
        texts,
        async (names, password) => {
          const output = open(folder.path, {
            in: Object.fromEntries(names.map((name) => [name, "{{ db.password }}"])),
          })
          const shows = { ...fresh(), password }
          await (await output.restore(undefined, never)).commit()
          await deliver(output, shows)
          expect(
            Object.entries(
              (
                JSON.parse(readFileSync(join(folder.path, "x.json"), "utf8")) as {
                  readonly in: object
                }
              ).in,
            ).sort(),
          ).toEqual(names.map((name) => [name, password] as [string, string]).sort())
          expect(await output.compare(valuesOf(shows), never)).toBe("same")
        },
      ),
      runs(60),
    )
  })

  test.each([
    [{ json: "a", variables: {} }, "variables: name at least one key"],
    [{ json: "a", variables: { a: {} } }, "name at least one key"],
    [{ json: "a", variables: { a: 5 } }, "variables.a: a value is a template"],
    [{ json: "a", variables: { "": "x" } }, "variables.: Invalid key"],
    [{ json: "", variables: { a: "x" } }, "json: name the file"],
    [{ json: "a", variables: { a: "x" }, merge: true }, "merge"],
  ])("refuses %j", (options, message) => {
    expect(problems(options)).toContain(message)
  })

  test("says where in the options a template is wrong", () => {
    expect(
      json
        .inspect(json.options.parse({ json: "a", variables: { a: { b: "{{ oops" } } }))
        .problems.map(({ path }) => path),
    ).toEqual([["variables", "a", "b"]])
  })

  test.each([
    ['{"a":"old","a":"old"}', "output-key-twice", "a stands there twice"],
    ['{"b":{"c":""},"b":{}}', "output-key-twice", "a key stands there twice"],
    ['{"a":"old","b":"x"}', "output-foreign", "other keys"],
    ['{"a":5}', "output-drift", "cannot be told"],
    ['{"a":["old"]}', "output-drift", "cannot be told"],
    ['{"a":{"b":"old"}}', "output-foreign", "other keys"],
    ['["old"]', "output-foreign", "not JSON as mycelium writes it"],
    ['{"a":"old"', "output-foreign", "not JSON"],
    ["[".repeat(100_000), "output-foreign", "not JSON"],
    [`${'{"a":'.repeat(500)}1${"}".repeat(500)}`, "output-foreign", "not JSON"],
  ])("leaves %p", async (before, code, message) => {
    await using folder = await temporaryFolder()
    writeFileSync(join(folder.path, "x.json"), before)
    const error = await errorOf(
      open(folder.path, { a: "{{ db.password }}" }).prepare(
        valuesOf(fresh()),
        knownOf({ ...fresh(), password: "old" }),
        never,
      ),
    )
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
    expect(readFileSync(join(folder.path, "x.json"), "utf8")).toBe(before)
  })
})
