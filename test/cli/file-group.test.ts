import { describe, expect, test } from "bun:test"
import { chmodSync, chownSync, mkdirSync, statSync } from "node:fs"
import { json, layOut } from "../support/mycelium.ts"
import {
  alone,
  app,
  config,
  facts,
  found,
  give,
  type Kind,
  kinds,
  lay,
  me,
  ownerOf,
  rotate,
  skipped,
  why,
} from "../support/owners.ts"

/**
 * Mycelium runs as a user of its own: a file that it replaces keeps its group, or the loss is said.
 */

describe.skipIf(why !== undefined)(`the group of a file${skipped}`, () => {
  const kind = kinds["dotenv, merged"] as Kind

  test("that mycelium is not in is not lost silently, unless mycelium cannot read the file anyway", async () => {
    await using project = await lay(kind, { mode: "0640" })
    give(project.path(kind.file), me, 0o640)
    const [error] = await found(project, alone)
    expect([error?.code, error?.message]).toEqual([
      "owner-not-kept",
      expect.stringContaining(
        `is to be read by its group ${app}, and this user, uid ${me}, is not in it`,
      ),
    ])
    const before = facts(project, kind.file)
    const ran = await rotate(project, alone)
    expect([ran.code, `${ran.stdout}${ran.stderr}`]).toEqual([
      1,
      expect.stringContaining(error?.message ?? "nothing"),
    ])
    expect(facts(project, kind.file)).toBe(before)
    project.configure(config(kind, {}))
    chownSync(project.path("mycelium.yaml"), me, me)
    chmodSync(project.path(kind.file), 0o600)
    expect(await found(project, alone)).toEqual([])
    expect((await rotate(project, alone)).code).toBe(0)
    expect(ownerOf(project, kind.file)).toBe(`${me}:${me} 600`)
  }, 60_000)

  test("comes from its folder if that has the setgid bit", async () => {
    await using project = await lay(kind, { mode: "0640" })
    give(project.path(kind.file), me, 0o640)
    give(project.path("app"), me, 0o2750)
    expect(await found(project, alone)).toEqual([])
    expect((await rotate(project, alone)).code).toBe(0)
    expect(ownerOf(project, kind.file)).toBe(`${me}:${app} 640`)
  }, 60_000)
})

test("the dry run says who may no longer read a file because of its mode, for each kind of output", async () => {
  for (const [name, kind] of Object.entries(kinds)) {
    await using project = await layOut({}, config(kind, {}))
    mkdirSync(project.path("app/run"), { recursive: true, mode: 0o700 })
    project.write(kind.file, kind.text("Rk7vQ2xN9pLw4TzB8mHc3YfJ6sDg5Xq1"), 0o644)
    for (const args of [["init"], ["adopt", "production"]])
      expect((await project.mycelium(args)).code).toBe(0)
    const narrows =
      `mode 0644 becomes 0600: group ${statSync(project.path(kind.file)).gid} and others cannot ` +
      "read it any more"
    expect([
      name,
      (await project.mycelium(["rotate-now", "production", "--dry-run"])).stdout,
    ]).toEqual([name, expect.stringContaining(`note: ${narrows}`)])
    const { plans } = json<{
      readonly plans: readonly { readonly outputs: readonly { readonly narrows?: string }[] }[]
    }>(await project.mycelium(["rotate-now", "production", "--dry-run", "--json"]))
    expect(plans[0]?.outputs.map((one) => one.narrows)).toEqual([narrows])
    chmodSync(project.path(kind.file), 0o600)
    expect(
      (await project.mycelium(["rotate-now", "production", "--dry-run"])).stdout,
    ).not.toContain("becomes")
  }
}, 60_000)
