import { describe, expect, test } from "bun:test"
import { layOut } from "../support/mycelium.ts"

/**
 * What was taken out of the config and still stands in a file: said by check, dry run and rotation,
 * taken away on demand, and nothing else with it.
 */

const config = (outputs: readonly object[]): object => ({
  project: "shop",
  environments: {
    production: { rotate_every: "90d", secrets: { one: "generated", two: "generated" }, outputs },
  },
})
const one = { A: "{{ one.password }}" }
const both = {
  ...one,
  B: "{{ two.password }}",
  URL: "postgresql://shop:{{ two.password | url_encode }}@db/shop",
}

describe("a variable that was taken out of a merged file", () => {
  test("is named by check, dry run and rotation; --prune takes it away, and no line that holds anything else", async () => {
    await using project = await layOut(
      { ".env": "# mine\nPORT=8080\n" },
      config([{ dotenv: ".env", merge: true, variables: both }]),
    )
    for (const args of [["init"], ["rotate-now", "production", "--new"]])
      expect((await project.mycelium(args)).code).toBe(0)
    const [value, url] = [project.variable("B"), project.variable("URL")]
    project.write(".env", `${project.read(".env")}OTHER=an-own-value-of-somebody\n`)
    expect((await project.mycelium(["check"])).stdout).not.toContain("variable-left")
    project.configure(config([{ dotenv: ".env", merge: true, variables: one }]))
    const check = await project.mycelium(["check"])
    expect(check.stdout).toContain(
      "B is not in the config and shows v1 of production/two: no rotation replaces it there",
    )
    expect(check.stdout).toContain(
      "URL is not in the config and shows v1 of production/two within it",
    )
    expect(check.stdout).toContain("secret-unshown")
    expect((await project.mycelium(["rotate-now", "production", "--dry-run"])).stdout).toContain(
      "B is not in the config and shows v1 of production/two",
    )
    expect((await project.mycelium(["rotate-now", "production"])).stderr).toContain(
      "B is not in the config and shows v1 of production/two",
    )
    // It is an older version by now, and it is no other one that goes.
    expect(project.variable("B")).toBe(value)
    const before = project.read(".env")
    expect((await project.mycelium(["render"])).code).toBe(0)
    expect(project.read(".env")).toBe(before)
    const pruned = await project.mycelium(["render", "--prune"])
    expect({ code: pruned.code, said: pruned.stdout }).toMatchObject({
      code: 0,
      said: expect.stringContaining("taken away: B"),
    })
    expect(project.read(".env")).toBe(before.replace(`B=${value}\n`, ""))
    expect(project.variable("URL")).toBe(url)
    expect((await project.mycelium(["audit", "--json"])).stdout).toContain('"event":"prune"')
    for (const ran of [check, pruned]) expect(ran.stdout + ran.stderr).not.toContain(value)
  }, 60_000)

  test("whose value was changed by hand since belongs to that person: it stays", async () => {
    await using project = await layOut(
      { ".env": "" },
      config([{ dotenv: ".env", merge: true, variables: both }]),
    )
    for (const args of [["init"], ["rotate-now", "production", "--new"]])
      expect((await project.mycelium(args)).code).toBe(0)
    project.write(".env", project.read(".env").replace(/^B=.*$/m, "B=the-only-copy-of-something"))
    project.configure(config([{ dotenv: ".env", merge: true, variables: one }]))
    expect((await project.mycelium(["render", "--prune"])).code).toBe(0)
    expect(project.variable("B")).toBe("the-only-copy-of-something")
  }, 60_000)
})

test("a file that was taken out of a folder is named and taken away alike, and one of others stays; a whole output that was taken out is named", async () => {
  const folder = (files: object): object => ({ folder: "run", files })
  await using project = await layOut(
    {},
    config([folder(both), { json: "all.json", variables: both }]),
  )
  for (const args of [["init"], ["rotate-now", "production", "--new"]])
    expect((await project.mycelium(args)).code).toBe(0)
  project.write("run/own", "a value of somebody else")
  project.configure(config([folder(one)]))
  const check = await project.mycelium(["check"])
  expect(check.stdout).toContain("B is not in the config and shows v1 of production/two")
  expect(check.stdout).toContain(`${project.path("all.json")} was an output of production`)
  expect((await project.mycelium(["render", "--prune"])).code).toBe(0)
  expect([
    project.has("run/A"),
    project.has("run/B"),
    project.has("run/own"),
    project.has("all.json"),
  ]).toEqual([true, false, true, true])
}, 60_000)
