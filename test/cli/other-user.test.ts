import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, test } from "bun:test"
import { openGenerated } from "../support/generated.ts"
import { below, type Project } from "../support/mycelium.ts"

/** Another user, or another HOME (sudo, cron): the way on is to run it as the one that ran init. */

const why =
  process.getuid?.() !== 0 || Bun.which("setpriv") === null ? " (needs root, and setpriv)" : ""
const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]

const asInit = "as the user that ran mycelium init"

/** Every folder above the project can be entered, and what belongs to its user alone cannot be read. */
async function opened(): Promise<Project> {
  const project = await openGenerated()
  expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  for (let folder = dirname(project.home); folder !== "/"; folder = dirname(folder))
    chmodSync(folder, statSync(folder).mode | 0o011)
  return project
}

test("another HOME has no identity: the hint is the first Mycelium, before a second one", async () => {
  await using project = await openGenerated()
  const elsewhere = join(project.root, "elsewhere")
  mkdirSync(elsewhere, { mode: 0o700 })
  const env = {
    HOME: elsewhere,
    XDG_STATE_HOME: join(elsewhere, "state"),
    XDG_CONFIG_HOME: join(elsewhere, "config"),
  }
  const ran = await project.mycelium(["adopt", "production"], { env })
  expect(ran.stderr).toContain("there is no identity at")
  expect(ran.stderr).toContain("another HOME (sudo, cron), run it as that one")
  expect(readdirSync(elsewhere)).toEqual([])
})

describe("another user", () => {
  test.if(why === "")(`is told what they may not read, and who may${why}`, async () => {
    await using project = await opened()
    chmodSync(project.folder, 0o755)
    chmodSync(project.path("mycelium.yaml"), 0o644)
    for (const args of [["status"], ["check"], ["rotate-now", "production"]]) {
      const ran = await project.mycelium(args, { under: nobody })
      expect(ran.code).not.toBe(0)
      expect(`${args.join(" ")}: ${ran.stdout}${ran.stderr}`).toContain(asInit)
    }
  })

  test.if(why === "")(`root, on a config of theirs, is told to run it as them${why}`, async () => {
    await using project = await opened()
    for (const path of [project.folder, ...below(project.folder)]) chownSync(path, 65534, 65534)
    const ran = await project.mycelium(["rotate-now", "production"])
    expect(ran.stderr).toMatch(/run it as them: sudo -H -u (nobody|'#65534') mycelium/)
  })
})
