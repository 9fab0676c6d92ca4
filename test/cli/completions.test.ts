import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { symlinkSync } from "node:fs"
import { binary, type Project, layOut } from "../support/mycelium.ts"

/** What a shell offers on the line of a command: the built binary, in real shells. */

let project: Project
beforeAll(async () => {
  project = await layOut()
  project.configure({
    project: "shop",
    environments: {
      production: { rotate_every: "90d", secrets: { key: "generated", token: "generated" } },
      staging: { rotate_every: "90d", secrets: { key: "generated" } },
    },
  })
  symlinkSync(binary, project.path("mycelium"))
})
afterAll(() => project[Symbol.asyncDispose]())

async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const said = await project.mycelium(["completions", "--", ...words])
  expect([said.code, said.stderr]).toEqual([0, ""])
  const lines = said.stdout.split("\n").filter(Boolean)
  for (const line of lines) expect(line).toMatch(/^[^\t]+\t[^\t]{0,75}$/)
  return lines.map((line) => line.split("\t")[0] ?? "")
}

describe("what may come next", () => {
  test.each([
    [["rot"], ["rotate-now"]],
    [
      ["adopt", ""],
      ["production", "staging"],
    ],
    [["adopt", "st"], ["staging"]],
    [
      ["rotate-now", "production/"],
      ["production/key", "production/token"],
    ],
    [["delete", "staging/k"], ["staging/key"]],
    [["explain", "not-perm"], ["not-permitted"]],
    [["help", "notic"], ["notices"]],
    [
      ["completions", ""],
      ["bash", "zsh", "fish"],
    ],
    [["check", "--q"], ["--quick"]],
    [["check", "--quick", "--q"], []],
    [["check", "--config", ""], []],
    [["exec", "production", "--", "ec"], []],
    [["nonsense", ""], []],
  ])("%p: %p", async (words, expected) => {
    expect(await offered(...words)).toEqual(expected)
  })

  test("an option that was given is offered once more only if it may be", async () => {
    const first = await offered("rotate-now", "--")
    expect(first).toContain("--contain")
    expect(await offered("rotate-now", "--contain", "--")).not.toContain("--contain")
  })

  test("a config that cannot be read offers no names, and says nothing", async () => {
    expect(await offered("adopt", "--config", "/nowhere.yaml", "")).toEqual([])
  })
})

test("an unknown shell is refused with those that there are", async () => {
  const said = await project.mycelium(["completions", "csh"])
  expect([said.code, said.stdout, said.stderr]).toEqual([
    2,
    "",
    "mycelium: name one shell\n  hint: one of bash, zsh, fish\n",
  ])
})

async function inShell(argv: readonly string[], script: string): Promise<readonly string[]> {
  const child = Bun.spawn([...argv, script], {
    cwd: project.folder,
    env: { ...project.environment, PATH: `${project.folder}:/usr/bin:/bin` },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  expect(err).toBe("")
  return out.split("\n").filter(Boolean)
}

test("bash completes a command, an option and a name", async () => {
  const line = (...words: readonly string[]): string =>
    `COMP_WORDS=(mycelium ${words.map((word) => `'${word}'`).join(" ")}); ` +
    `COMP_CWORD=${words.length}; _mycelium mycelium; printf '%s\\n' "\${COMPREPLY[@]}"`
  const script = [
    "source <(mycelium completions bash); complete -p mycelium",
    line("rot"),
    line("rotate-now", "production/t"),
    line("check", "--qu"),
  ].join("\n")
  expect(await inShell(["bash", "--norc", "-c"], script)).toEqual([
    "complete -o default -F _mycelium mycelium",
    "rotate-now",
    "production/token",
    "--quick",
  ])
})

const fish = Bun.which("fish")
if (fish === null) console.warn("completions in fish are not tried: fish is not here")
test.skipIf(fish === null)("fish completes a command and a name", async () => {
  const script =
    "mycelium completions fish | source; complete -C 'mycelium rot'; complete -C 'mycelium adopt st'"
  expect(await inShell(["fish", "--no-config", "-c"], script)).toEqual([
    "rotate-now\trotate at once, prove it, revoke the old value",
    "staging\tenvironment",
  ])
})
