import { expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { layOut } from "../support/mycelium.ts"

/** Who can write in the folder of an output chooses the names of files there, with line breaks in them. */

const config = {
  project: "shop",
  schedule: "0 3 * * SUN",
  environments: {
    production: {
      rotate_every: "90d",
      secrets: { key: "generated" },
      outputs: [{ folder: "secrets", files: { key: "{{ key.password }}" } }],
    },
  },
}

test("no name of a copy forges a line of its own, and a copy with a dot goes too", async () => {
  await using project = await layOut({}, config)
  expect((await project.mycelium(["init"])).code).toBe(0)
  expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
  const value = project.read("secrets/key")
  const names = ["x\nmycelium: FORGED", "y\u2028\u202ez\r\nFORGED", ".dot"]
  for (const name of names) project.write(`secrets/${name}`, value)
  const said = [
    await project.mycelium(["check"]),
    await project.mycelium(["rotate-now", "production", "--dry-run"]),
    await project.mycelium(["delete", "production", "key"]),
    await project.mycelium(["render", "production", "--prune"]),
    await project.mycelium(["audit", "production"]),
  ]
  for (const { stdout, stderr } of said)
    expect(
      (stdout + stderr).split(/[\n\r\u2028]/).filter((line) => /^\S*\s*FORGED/.test(line)),
    ).toEqual([])
  expect(said[0]?.stdout).toContain("x\\u000amycelium: FORGED")
  expect(said[3]?.stdout).toContain("x\\u000amycelium: FORGED")
  expect(readdirSync(project.path("secrets"))).toEqual(["key"])
}, 60_000)
