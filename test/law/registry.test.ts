import { expect, test } from "bun:test"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { loaders, pluginsNamedIn } from "../../src/plugins/named.ts"
import { plugins } from "../../src/plugins/index.ts"

const root = join(import.meta.dir, "..", "..")
/** What lies beside the plug-ins and is none. */
const shared = new Set([
  "index",
  "README",
  "server",
  "liquid",
  "file-options",
  "value-options",
  "file",
  "variables",
  "whole",
  "tree",
  "entry",
  "plain",
  "read",
  "options",
  "read-file",
  "read-command",
  "json-field",
])

/** A folder of outputs is named `file`, and so is a reference. */
const isShared = (kind: string, name: string): boolean =>
  shared.has(name) && !(kind === "references" && name === "file")

for (const kind of ["drivers", "outputs", "restarters", "healths", "references"]) {
  test(`every plug-in in plugins/${kind} stands in its registry once, in order, and has tests`, async () => {
    const module = (await import(`../../src/plugins/${kind}/index.ts`)) as Readonly<
      Record<string, readonly { readonly type: string }[]>
    >
    const registered = (module[kind] ?? []).map(({ type }) => type)
    const folder = readdirSync(join(root, "src", "plugins", kind))
      .map((name) => name.replace(/\.(ts|md)$/, ""))
      .filter((name) => !isShared(kind, name))
    expect([...registered].sort()).toEqual(folder.sort())
    expect(registered).toEqual([...registered].sort())
    for (const type of registered) {
      const tests = [
        `test/plugins/${kind}/${type}`,
        `test/plugins/${kind}/${type}.test.ts`,
        `test/plugins/${kind}/conformance/${type}.test.ts`,
      ]
      expect(
        tests.some((path) => existsSync(join(root, path))) ? type : `${type} has no tests`,
      ).toBe(type)
    }
  })
}

test("each plug-in is loaded by its name, too, as the one in its registry", async () => {
  for (const kind of ["drivers", "outputs", "restarters", "healths"] as const) {
    expect<readonly string[]>(Object.keys(loaders[kind])).toEqual(
      plugins[kind].map(({ type }) => type),
    )
    for (const [name, load] of Object.entries(loaders[kind]))
      expect(plugins[kind].find(({ type }) => type === name)).toBe(await load())
  }
})

test("a text gets the plug-ins that it names, in any quotes", async () => {
  const { drivers, outputs, restarters, healths } = await pluginsNamedIn(
    "a: { driver: generated }\nb: [{ 'dotenv': x }]\nc: { \"compose\": y }",
  )
  expect(
    [drivers, outputs, restarters, healths].map((kind) => kind.map(({ type }): string => type)),
  ).toEqual([["generated"], ["dotenv"], ["compose"], []])
})
