import { expect, test } from "bun:test"
import { renameSync, rmSync } from "node:fs"
import { layOut } from "../support/mycelium.ts"

/**
 * A pipe in the place of an audit log would keep a process that opens it waiting for
 * ever, and all environments with it.
 */

const environment = (file: string): object => ({
  rotate_every: "90d",
  secrets: { key: "generated" },
  outputs: [{ dotenv: file, variables: { KEY: "{{ key.password }}" } }],
})
const commands = [
  ["rotate-now", "production"],
  ["audit", "production"],
  ["audit", "verify"],
  ["check"],
  ["report", "--since", "1d"],
  ["run", "--once"],
] as const

test("a pipe in the place of an audit log is told at once by each command that reads it, and holds up no other environment", async () => {
  await using project = await layOut(
    {},
    {
      project: "shop",
      environments: { production: environment(".env"), other: environment("other.env") },
    },
  )
  for (const args of [
    ["init"],
    ["rotate-now", "production", "--new"],
    ["rotate-now", "other", "--new"],
  ])
    expect((await project.mycelium(args)).code).toBe(0)
  const [log, aside] = [project.auditPath(), `${project.auditPath()}.aside`]
  const shown = project.read(".env")
  renameSync(log, aside)
  expect(Bun.spawnSync(["mkfifo", "-m", "600", log]).exitCode).toBe(0)
  for (const args of commands) {
    const { code, signal, stdout, stderr } = await project.mycelium(args, { withinMs: 20_000 })
    // A review goes on without what it cannot read, and says so.
    expect([args, signal, code === 0]).toEqual([args, undefined, args[0] === "report"])
    expect([args, `${stdout}${stderr}`]).toEqual([
      args,
      expect.stringContaining("is not a regular file"),
    ])
  }
  expect(project.read(".env")).toBe(shown)
  expect((await project.mycelium(["rotate-now", "other"], { withinMs: 20_000 })).code).toBe(0)
  rmSync(log)
  renameSync(aside, log)
  for (const args of [
    ["audit", "verify"],
    ["rotate-now", "production"],
  ])
    expect((await project.mycelium(args)).code).toBe(0)
}, 120_000)
