import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"
import { yaml } from "../../../src/plugins/outputs/yaml.ts"
import { errorOf } from "../../support/error-of.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { deliver, fresh, knownOf, never, valuesOf } from "./conformance/harness.ts"
import { type Opens, keys, texts } from "./tree.ts"
import { runs } from "../../support/fuzzed.ts"

const open: Opens = (folder, variables, more) =>
  yaml.open(yaml.options.parse({ yaml: "x.yml", variables, ...more }), {
    folder,
    label: "production",
  })

describe("yaml", () => {
  test("nests as the config does, and quotes every value", async () => {
    await using folder = await temporaryFolder()
    await deliver(
      open(folder.path, {
        spring: { datasource: { username: "{{ db.user }}", "max-size": "5" } },
        "a.b": "x",
        no: "y",
      }),
      fresh(),
    )
    expect(readFileSync(join(folder.path, "x.yml"), "utf8")).toBe(
      "# written by mycelium: production\n" +
        "spring:\n  " +
        "datasource:\n    " +
        'username: "shop"\n    ' +
        'max-size: "5"\n' +
        '"a.b": "x"\n' +
        '"no": "y"\n',
    )
  })

  test("quotes a key that a reader of YAML 1.1 takes for a number", async () => {
    await using folder = await temporaryFolder()
    const keys = ["e0", "E10", "e-5", "no"]
    const output = open(
      folder.path,
      Object.fromEntries(keys.map((key) => [key, "{{ db.password }}"])),
    )
    await deliver(output, fresh())
    const text = readFileSync(join(folder.path, "x.yml"), "utf8")
    expect(Object.keys(parse(text, { version: "1.1" }) as object)).toEqual(keys)
  })

  test.each(["1.1", "1.2"] as const)(
    "holds any text under any key, as YAML %s reads it",
    async (version) => {
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
            const found = parse(readFileSync(join(folder.path, "x.yml"), "utf8"), {
              version,
              mapAsMap: true,
              merge: false,
            }) as Map<string, Map<string, string>>
            expect([...(found.get("in") ?? [])].sort()).toEqual(
              names.map((name) => [name, password] as [string, string]).sort(),
            )
            expect(await output.compare(valuesOf(shows), never)).toBe("same")
          },
        ),
        runs(60),
      )
    },
  )

  test.each([
    ["a: old\na: old\n", "output-key-twice", "a stands there twice"],
    ["b: {c: ''}\nb: {}\n", "output-key-twice", "a key stands there twice"],
    ["a: old\nb: x\n", "output-foreign", "other keys"],
    ["a: old # mine\n", "output-foreign", "comments"],
    ["# written by mycelium: staging\na: old\n", "output-foreign", "another environment"],
    ["a: 5\n", "output-drift", "cannot be told"],
    ["a: &x old\n", "output-drift", "cannot be told"],
    ["- old\n", "output-foreign", "not YAML as mycelium writes it"],
    ["a: [old\n", "output-foreign", "not YAML"],
    ["a: old\n---\na: old\n", "output-foreign", "not YAML"],
    ["[old]: x\n", "output-foreign", "not YAML"],
  ])("leaves %p", async (before, code, message) => {
    await using folder = await temporaryFolder()
    writeFileSync(join(folder.path, "x.yml"), before)
    const error = await errorOf(
      open(folder.path, { a: "{{ db.password }}" }).prepare(
        valuesOf(fresh()),
        knownOf({ ...fresh(), password: "old" }),
        never,
      ),
    )
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
    expect(readFileSync(join(folder.path, "x.yml"), "utf8")).toBe(before)
  })

  test("drops what the config no longer names from a file that is its own", async () => {
    await using folder = await temporaryFolder()
    const shows = fresh()
    await deliver(open(folder.path, { a: "{{ db.password }}", b: "x" }), shows)
    const written = readFileSync(join(folder.path, "x.yml"))
    const less = open(folder.path, { a: "{{ db.password }}" })
    expect((await errorOf(less.prepare(valuesOf(shows), knownOf(shows), never))).message).toContain(
      "b was added to it by hand",
    )
    const asWritten = Object.assign(knownOf(shows), {
      isOurWrite: (_: string, bytes: Uint8Array) => written.equals(bytes),
    })
    await (await less.prepare(valuesOf(shows), asWritten, never)).commit()
    expect(readFileSync(join(folder.path, "x.yml"), "utf8")).toBe(
      `# written by mycelium: production\na: "${shows.password}"\n`,
    )
  })
})
