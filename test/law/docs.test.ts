import { expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { exitMeanings } from "../../src/cli/exit-codes.ts"
import { groups } from "../../src/cli/table.ts"

const root = join(import.meta.dir, "..", "..")
const readme = readFileSync(join(root, "README.md"), "utf8")
const example = readFileSync(join(root, "config", "example.yaml"), "utf8")

test("the README's table of commands is the table of the program", () => {
  const rows = [...readme.matchAll(/^\|[^|]*\| `([a-z-]+)[^|]*\|/gm)].map((match) => match[1])
  expect(
    rows.filter(
      (name) =>
        name !== undefined &&
        groups.some(({ commands }) => commands.some((one) => one.name === name)),
    ),
  ).toEqual(groups.flatMap(({ commands }) => commands.map(({ name }) => name)))
})

test("the README's exit codes are those of the program", () => {
  const rows = [...readme.matchAll(/^\| (\d) \| (.+) \|$/gm)].map((match) => [match[1], match[2]])
  expect(rows).toEqual(Object.entries(exitMeanings).map(([code, says]) => [code, says]))
})

test("every option of every command says what it does, and its usage is a sentence", async () => {
  for (const { load } of groups.flatMap(({ commands }) => commands)) {
    const { usage, options } = await load()
    expect(usage.length).toBeGreaterThan(20)
    for (const [name, { says }] of Object.entries(options))
      expect(`${name}: ${says}`.length).toBeGreaterThan(name.length + 10)
  }
})

test("every plug-in that the config can name stands in the example or in the README", async () => {
  const registries = ["drivers", "outputs", "restarters", "healths"] as const
  for (const kind of registries) {
    const module = (await import(`../../src/plugins/${kind}/index.ts`)) as Readonly<
      Record<string, readonly { readonly type: string }[]>
    >
    for (const { type } of module[kind] ?? [])
      expect(
        example.includes(`${type}:`) || readme.includes(`\`${type}\``)
          ? type
          : `${type} is not documented`,
      ).toBe(type)
  }
})

test("the README links to files that exist", () => {
  for (const [, target = ""] of readme.matchAll(/\]\(((?!https?:)[^)#]+)\)/g))
    expect(existsSync(join(root, target)) ? target : `${target} does not exist`).toBe(target)
})
