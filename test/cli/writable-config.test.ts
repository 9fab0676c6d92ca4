import { describe, expect, test } from "bun:test"
import { chmodSync } from "node:fs"
import { type Project, json, layOut } from "../support/mycelium.ts"

/** A config that others can write is told of by every command that reads it, also by those that only look. */

const config = {
  project: "shop",
  schedule: "0 3 * * *",
  environments: {
    production: {
      rotate_every: "90d",
      secrets: { session: "generated" },
      outputs: [{ dotenv: ".env", variables: { SESSION: "{{ session.password }}" } }],
    },
  },
}

async function rotated(): Promise<Project> {
  const project = await layOut({}, config)
  expect((await project.mycelium(["init"])).code).toBe(0)
  expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
  return project
}

describe("a config that every user may write", () => {
  test.each([
    [["status"]],
    [["status", "--json"]],
    [["plan"]],
    [["audit"]],
    [["audit", "verify"]],
    [["report", "--since", "30d"]],
  ])("is warned of by %p, which goes on", async (args) => {
    await using project = await rotated()
    const before = await project.mycelium(args)
    expect([before.code, before.stderr]).toEqual([0, ""])
    chmodSync(project.path("mycelium.yaml"), 0o666)
    const ran = await project.mycelium(args)
    expect(ran.code).toBe(0)
    expect(ran.stderr).toContain("mycelium.yaml can be written by every user")
    expect(ran.stderr).toContain("config-writable-by-others")
    expect(ran.stderr).toContain("chmod o-w")
  })

  test("fails check --quick, as it fails check", async () => {
    await using project = await rotated()
    expect((await project.mycelium(["check", "--quick"])).code).toBe(0)
    chmodSync(project.path("mycelium.yaml"), 0o666)
    for (const args of [["check", "--quick"], ["check"]]) {
      const ran = await project.mycelium([...args, "--json"])
      expect(ran.code).toBe(4)
      expect(
        json<{ readonly findings: readonly { readonly code: string }[] }>(ran).findings.map(
          ({ code }) => code,
        ),
      ).toContain("config-writable-by-others")
    }
  })
})
