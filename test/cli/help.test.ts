import { describe, expect, test } from "bun:test"
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { plain } from "../../src/cli/help/blocks.ts"
import { parseMarkdown } from "../../src/cli/help/markdown.ts"
import { toText } from "../../src/cli/help/text.ts"
import { topics, topicsNamed } from "../../src/cli/help/topics.ts"
import { commandNames } from "../../src/cli/table.ts"
import { pages } from "../../src/manual/index.ts"
import { binary, layOut } from "../support/mycelium.ts"

describe.each(topics)("help on $group: $name", ({ name, blocks }) => {
  test.each([40, 80, 132])("fits into %i columns, but for what is to be copied", (columns) => {
    const copied = new Set(blocks().flatMap((block) => copiedOf(block)))
    const lines = toText(blocks(), columns)
    expect(lines.join("").length).toBeGreaterThan(20)
    for (const line of lines)
      if (line.trim().includes(" ") && !copied.has(line.trim()))
        expect(line.length <= columns ? "fits" : line).toBe("fits")
    expect(lines.join("\n")).not.toContain("\u001b")
    expect(topicsNamed(name).length).toBeGreaterThan(0)
  })
})

function copiedOf(block: Parameters<typeof toText>[0][number]): readonly string[] {
  if (block.kind === "code") return block.lines.map((line) => line.trim())
  return block.kind === "term" && block.example !== undefined ? [block.example] : []
}

test.each(pages)("no word of the page $name is lost on a terminal", ({ text }) => {
  const shown = toText(parseMarkdown(text), 10_000).join("\n")
  const bare = text
    .split("\n")
    .filter((line) => !/^\s*```|^\|[ |-]+\|$/.test(line))
    .map((line) => (line.startsWith("|") ? line.replaceAll("|", " ") : line))
    .join(" ")
  for (const word of plain(bare).match(/[\p{L}\p{N}]{3,}/gu) ?? []) expect(shown).toContain(word)
})

describe("mycelium help", () => {
  test("lists the commands and the topics, in 80 columns where nothing is a terminal", async () => {
    await using project = await layOut()
    const { stdout, stderr, code } = await project.mycelium(["help"])
    expect([code, stderr]).toEqual([0, ""])
    for (const name of [...commandNames(), ...topics.map((one) => one.name)])
      expect(stdout).toMatch(new RegExp(`^  ${name}( |$)`, "m"))
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80)
  })

  test.skipIf(Bun.which("script") === null)(
    "is as wide as the terminal (skipped where script(1) is missing, which makes one)",
    async () => {
      await using project = await layOut()
      const typed = `stty cols 60; ${binary} help incident`
      const said = spawnSync("script", ["-qec", typed, "/dev/null"], { env: project.environment })
        .stdout.toString()
        .replaceAll("\r", "")
      const prose = said.split("\n").filter((line) => /^ {2}\S/.test(line))
      const widest = Math.max(...prose.map((line) => line.length))
      expect(prose.length).toBeGreaterThan(20)
      expect(widest).toBeLessThanOrEqual(60)
      expect(widest).toBeGreaterThan(55)
      expect(said).not.toContain("\u001b")
    },
  )

  test("prints a page, a plug-in, a key, a command and a code; all that have the name", async () => {
    await using project = await layOut()
    const said = async (...topic: readonly string[]): Promise<string> => {
      const { stdout, code } = await project.mycelium(["help", ...topic])
      expect(code).toBe(0)
      return stdout
    }
    expect(await said("incident")).toContain("mycelium rotate-now --all --contain")
    expect(await said("redis")).toContain("address: unix:/run/redis/redis.sock")
    expect(await said("dotenv")).toContain("for: one of portable, compose")
    expect(await said("rotate_every")).toContain("rotate_every: 90d")
    expect(await said("stuck")).toContain("The service accepts no value")
    const exec = await said("exec")
    expect(exec).toContain("mycelium exec ENV -- PROGRAM")
    expect(exec).toContain("exec (driver)")
    const command = await said("command")
    expect(command).toContain("command (restarter)")
    expect(command).toContain("command (health check)")
  })

  test("prints the example config so that it can be redirected into a file", async () => {
    await using project = await layOut()
    const { stdout } = await project.mycelium(["help", "example"])
    const example = join(import.meta.dir, "..", "..", "config", "example.yaml")
    expect(stdout).toBe(textOf(example))
  })

  test("says the nearest name where there is no such topic, and ends with 2", async () => {
    await using project = await layOut()
    const near = await project.mycelium(["help", "incidnt"])
    expect([near.code, near.stdout]).toEqual([2, ""])
    expect(near.stderr).toBe(
      'mycelium: there is no help on "incidnt"\n  hint: did you mean incident?\n',
    )
    // Of three letters, every short word is near.
    const short = await project.mycelium(["help", "foo"])
    expect([short.code, short.stderr]).toEqual([2, expect.not.stringContaining("did you mean")])
    const command = await project.mycelium(["rotate"])
    expect([command.code, command.stderr]).toEqual([
      2,
      expect.stringContaining("did you mean rotate-now?"),
    ])
    const far = await project.mycelium(["help", "zzzzzzzzzz"])
    expect(far.code).toBe(2)
    expect(far.stderr).toContain("hint: mycelium help lists the topics")
    const two = await project.mycelium(["help", "redis", "mariadb"])
    expect(two.code).toBe(2)
    expect(two.stderr).toContain("name one topic")
  })

  test.each([
    ["Redis", "redis (driver)"],
    ["containment", "Incident: credentials have leaked"],
    ["rotate", "rotate-now"],
    ["REDIS", "redis (driver)"],
    [".env", "dotenv (output)"],
    ["dot-env", "dotenv (output)"],
    ["PostgreSQL", "postgres (driver)"],
    ["exit codes", "Exit codes"],
    ["exit-code", "Exit codes"],
    ["Rotate every", "rotate_every: 90d"],
    ["first rotation", "Your first rotation"],
    ["In Grace", "grace"],
    ["environments", "environment\n==="],
    ["deployments", "deployment\n==="],
    ["output", "Outputs: the files"],
  ])("knows %p by the name that a person types", async (typed, shown) => {
    await using project = await layOut()
    for (const words of [[typed], typed.split(" ")]) {
      const { stdout, stderr, code } = await project.mycelium(["help", ...words])
      expect({ code, stderr, shown: stdout.includes(shown) }).toEqual({
        code: 0,
        stderr: "",
        shown: true,
      })
    }
  })

  test("names the pages that mention what is no topic", async () => {
    await using project = await layOut()
    const { stderr, code } = await project.mycelium(["help", "PgBouncer"])
    expect(code).toBe(2)
    expect(stderr).toContain("it is mentioned in: mycelium help drivers")
  })

  test("explain knows a code by the name that a person types, too", async () => {
    await using project = await layOut()
    const plain = await project.mycelium(["explain", "in-grace"])
    for (const typed of ["In-Grace", "in_grace"])
      expect(await project.mycelium(["explain", typed])).toMatchObject({
        code: 0,
        stdout: plain.stdout,
      })
  })

  test.each([
    ["driver", "secret", "rotate_every"],
    ["restarter", "deployment", "timeout"],
    ["health check", "healthy", "within"],
  ])("the page of each %s names the keys that stand beside its own", async (kind, page, key) => {
    for (const { name, group, blocks } of topics) {
      if (group !== `${kind}s`) continue
      const text = toText(blocks(), 200).join("\n")
      expect(`${name}: ${text}`).toContain(`mycelium help ${page}`)
      expect(`${name}: ${text}`).toContain(key)
    }
  })

  test("gives programs a JSON document", async () => {
    await using project = await layOut()
    const list: unknown = JSON.parse((await project.mycelium(["help", "--json"])).stdout)
    expect(list).toEqual({
      topics: topics.map(({ name, group, summary }) => ({ name, group, summary })),
    })
    const one: unknown = JSON.parse((await project.mycelium(["help", "tcp", "--json"])).stdout)
    expect(one).toMatchObject({ topic: "tcp" })
  })

  test.skipIf(!existsSync("/usr/bin/man"))(
    "makes a man page that man(1) takes without a warning (skipped where there is no man)",
    async () => {
      await using project = await layOut()
      const { stdout, code } = await project.mycelium(["help", "--man"])
      expect(code).toBe(0)
      project.write("mycelium.1", stdout)
      const { stdout: page, stderr } = spawnSync(
        "man",
        ["--warnings", "-l", project.path("mycelium.1")],
        {
          env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", MANWIDTH: "80" },
        },
      )
      expect(stderr.toString()).toBe("")
      for (const title of [
        "NAME",
        "SYNOPSIS",
        "COMMANDS",
        "INCIDENT: CREDENTIALS HAVE LEAKED",
        "DRIVERS",
      ])
        expect(page.toString()).toMatch(new RegExp(`^${title}`, "m"))
      for (const { name, group } of topics)
        if (group === "drivers") expect(page.toString()).toContain(`   ${name} (driver)`)
    },
  )
})

test("nothing but help loads the manual: a start does not read it", () => {
  const source = join(import.meta.dir, "..", "..", "src")
  const importers = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .filter((name) => /from "[^"]*\/manual\/index\.ts"/.test(textOf(join(source, name))))
  for (const importer of importers) expect(importer).toMatch(/^cli\/help\//)
  const eager = /^import [^\n]*"\.\/help\/(?!overview)/m
  for (const name of ["main.ts", "cli/main.ts", "cli/table.ts"])
    expect(eager.test(textOf(join(source, name)))).toBe(false)
})

function textOf(path: string): string {
  return readFileSync(path, "utf8")
}
