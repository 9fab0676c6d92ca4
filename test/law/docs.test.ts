import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { exitMeanings } from "../../src/cli/exit-codes.ts"
import { groups } from "../../src/cli/table.ts"
import type { Stage } from "../../src/core/version.ts"
import { pages } from "../../src/manual/index.ts"
import { verbs } from "../../src/plugins/drivers/exec/protocol.ts"
import { drivers } from "../../src/plugins/drivers/index.ts"
import { healths } from "../../src/plugins/healths/index.ts"
import { outputs } from "../../src/plugins/outputs/index.ts"
import { restarters } from "../../src/plugins/restarters/index.ts"

const root = join(import.meta.dir, "..", "..")
const readme = textOf("README.md")
const commandsPage = textOf("src/manual/commands.md")

function textOf(path: string): string {
  return readFileSync(join(root, path), "utf8")
}

describe("the README", () => {
  test("is for a reader who has five minutes", () => {
    expect(readme.split("\n").length).toBeLessThanOrEqual(180)
  })

  test("names every driver in its table, and every other plug-in", () => {
    const rows = [...readme.matchAll(/^\| `([a-z-]+)`[^|]*\|/gm)].map(([, name = ""]) => name)
    expect([...new Set(rows)].sort()).toEqual(drivers.map(({ type }) => type).sort())
    for (const { type } of [...outputs, ...restarters, ...healths])
      expect(readme.includes(`\`${type}\``) ? type : `${type} is not named`).toBe(type)
  })

  test("lists every page of the manual", () => {
    const listed = [...readme.matchAll(/^\| \[[^\]]+\]\(src\/manual\/([a-z-]+)\.md\)/gm)]
    expect(listed.map(([, name]) => name)).toEqual(pages.map(({ name }) => name))
  })
})

describe("the manual", () => {
  test("has every page that lies in its folder", () => {
    const files = readdirSync(join(root, "src/manual")).filter((name) => name.endsWith(".md"))
    expect(pages.map(({ name }) => `${name}.md`).sort()).toEqual(files.sort())
    for (const { name, text } of pages) expect(text).toBe(textOf(`src/manual/${name}.md`))
  })

  test("has the program's table of commands", () => {
    const rows = [...commandsPage.matchAll(/^\|[^|]*\| `([a-z-]+)[^|]*\|/gm)].map(
      (match) => match[1],
    )
    expect(rows).toEqual(groups.flatMap(({ commands }) => commands.map(({ name }) => name)))
  })

  test("has the program's exit codes", () => {
    const rows = [...commandsPage.matchAll(/^\| (\d) \| (.+) \|$/gm)].map((match) => [
      match[1],
      match[2],
    ])
    expect(rows).toEqual(Object.entries(exitMeanings).map(([code, message]) => [code, message]))
  })

  test.each([
    ["drivers", drivers],
    ["outputs", outputs],
    ["restarts", restarters],
    ["restarts", healths],
  ] as const)("has a row in %s for each plug-in of its kind", (page, all) => {
    const rows = textOf(`src/manual/${page}.md`).match(/^\| `.+$/gm) ?? []
    const initialValues = rows.map((row) => row.split("|")[1] ?? "")
    for (const { type } of all)
      expect(
        initialValues.some((cell) => cell.includes(`\`${type}\``)) ? type : `${type} has no row`,
      ).toBe(type)
  })
})

test("the manual's table of verbs is the protocol of exec", () => {
  for (const page of ["src/manual/exec.md", "src/plugins/drivers/README.md"]) {
    const rows = [...textOf(page).matchAll(/^\| `([a-z-]+)` \|[^|]+\|[^|]+\|[^|]+\|$/gim)]
    expect(rows.map(([, verb]) => verb)).toEqual([...verbs])
  }
})

test("the manual opens a value by the name that a state has for its stage", () => {
  const current: Stage = { kind: "current" }
  const [, name = ""] = /\.stage\.(\w+) == "current"/.exec(textOf("src/manual/operations.md")) ?? []
  expect(Object.keys(current)).toEqual([name])
})

test("every option of every command says what it does, and its usage is a sentence", async () => {
  for (const { load } of groups.flatMap(({ commands }) => commands)) {
    const { usage, options } = await load()
    expect(usage.length).toBeGreaterThan(20)
    for (const [name, { summary: message }] of Object.entries(options))
      expect(`${name}: ${message}`.length).toBeGreaterThan(name.length + 10)
  }
})

test("the list of decisions names each of them", () => {
  const listed = [...textOf("src/decisions/README.md").matchAll(/\]\((\d\d-[a-z-]+\.md)\)/g)]
  const files = readdirSync(join(root, "src/decisions")).filter((name) => name !== "README.md")
  expect(listed.map(([, name]) => name)).toEqual(files.sort())
})

test("src/README.md, the map, stays one page", () => {
  expect(textOf("src/README.md").split("\n").length).toBeLessThanOrEqual(150)
})

const documents = [
  "README.md",
  "SECURITY.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "src/README.md",
  "src/plugins/drivers/README.md",
  "src/plugins/outputs/README.md",
  ...["src/manual", "src/decisions"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`),
  ),
]

test.each(documents)("%s links to files and headings that exist", (document) => {
  const text = textOf(document).replace(/```[\s\S]*?```/g, "")
  for (const [, target = ""] of text.matchAll(/\]\(((?!https?:)[^)]+)\)/g)) {
    const [path = "", heading] = target.split("#")
    const file = path === "" ? document : join(dirname(document), path)
    expect(existsSync(join(root, file)) ? target : `${target} does not exist`).toBe(target)
    if (heading !== undefined)
      expect(anchorsIn(textOf(file)).includes(heading) ? target : `${target}: no heading`).toBe(
        target,
      )
  }
})

/** As GitHub makes them of headings. */
function anchorsIn(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  )
}
