import { describe, expect, test } from "bun:test"
import { binary } from "../support/mycelium.ts"
import { versionsOf } from "../support/sealed.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { type Shop, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/**
 * A containment that was interrupted: its hint finishes it, and its report is true whichever run
 * does that.
 */

const servers = serversOfFile({ postgres: startPostgres })

/** Two requests to stop, in a restart. What was said last. */
async function interrupted(shop: Shop, args: readonly string[]): Promise<string> {
  const { project } = shop
  project.script(
    "restart-api",
    "touch begun",
    "until [ -e go ]; do sleep 0.02; done",
    "cp .env api.loaded",
  )
  const child = Bun.spawn([binary, ...args], {
    cwd: project.folder,
    env: { ...project.environment },
    stdio: ["ignore", "pipe", "pipe"],
  })
  await until("the hook to begin", () => project.has("begun"))
  let said = ""
  const read = (async () => {
    for await (const part of child.stderr) said += Buffer.from(part).toString()
  })()
  child.kill("SIGINT")
  await until("the first request to be heard", () => said.includes("a second Ctrl-C"))
  // Two within a moment count as one.
  await Bun.sleep(300)
  child.kill("SIGINT")
  await child.exited
  project.write("go", "")
  await read
  project.script("restart-api", "cp .env api.loaded", "echo restarted >> api.log")
  return said
}

const idsOf = async (shop: Shop): Promise<readonly string[]> =>
  (await versionsOf(shop.project, "postgres")).map(({ id, stage }) => `${id} ${stage}`)

describe("Ctrl-C twice in a containment without a name", () => {
  test("the hint is a command that finishes this incident, to the word", async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    await shop.adopt()
    const said = await interrupted(shop, ["rotate-now", "--all", "--contain", "--yes"])
    const [, incident = ""] = /incident {2}(\S+)/.exec(said) ?? []
    const hint = /hint: this finishes what was begun: mycelium (.*)/.exec(said)?.[1] ?? ""
    expect(hint).toBe(`rotate-now --all --contain --yes --incident ${incident}`)
    const ran = await shop.run(...hint.split(" "))
    expect([ran.code, await idsOf(shop)]).toEqual([0, ["v1 retired", "v2 current"]])
    expect(ran.stdout).toContain("v1 is dead, its login is refused")
  }, 60_000)

  test("finished under another name: the report of the first says what is proven, and by which", async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    await shop.adopt()
    const said = await interrupted(shop, ["rotate-now", "--all", "--contain", "--yes"])
    const [, incident = ""] = /incident {2}(\S+)/.exec(said) ?? []
    const other = ["rotate-now", "production", "--contain", "--yes", "--incident", "other"]
    expect((await shop.run(...other)).code).toBe(0)
    const report = (await shop.run("report", incident)).stdout
    expect(report).not.toContain("no older value was known")
    expect(report).toContain("Its service refused the old value of it")
    expect(report).toMatch(/\| production\/postgres \| v1 \| v2 \| .* \| v1: login refused at .*\|/)
    expect(report).toContain("what it replaced was taken away later, by other")
  }, 60_000)
})
