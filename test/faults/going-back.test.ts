import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { isRunning, pidsIn } from "../support/running.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/** What a way back leaves alone, and what it ends. That files return byte for byte and programs with them: `../cli/rotate.test.ts`. */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

/** The api goes first, then the fleet, which reads the same file. */
function withFleet(shop: Shop, api: Readonly<Record<string, unknown>> = {}): void {
  const { production } = configOf(shop).environments
  const deployment = (name: string): object => ({ command: [`./restart-${name}`], reads: [".env"], healthy: { command: [`./health-${name}`], within: "1s" } })
  shop.project.script("restart-fleet", "echo restarted >> fleet.log")
  shop.project.script("health-fleet", "exit 0")
  shop.project.configure({ ...configOf(shop), environments: { production: { ...production, deployments: { api: { ...deployment("api"), ...api }, fleet: deployment("fleet") } } } })
}

describe("a rotation whose first program does not take the new value", () => {
  test("goes back without ever touching the programs that come after it", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    withFleet(shop)
    await shop.adopt()
    shop.sicken()
    const before = project.read(".env")
    const { stdout, code } = await shop.run("rotate-now", "production")
    expect(stdout).toContain("went back to the old value: api did not get healthy")
    expect(code).toBe(1)
    expect([project.read(".env"), await shop.login(shop.old), project.has("fleet.log")]).toEqual([before, "in", false])
    expect(project.read("api.log")).toBe("restarted\nrestarted\n")
  }, 60_000)

  test("ends a restart that hangs, with all that it started, and goes back", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    withFleet(shop, { timeout: "1s" })
    await shop.adopt()
    const before = project.read(".env")
    project.write("good.env", before)
    project.script("restart-api", "cmp -s .env good.env && { cp .env api.loaded; exit 0; }", "trap '' TERM", "sleep 600 & echo $! >> pids", "(trap '' TERM; sleep 600) & echo $! >> pids", "echo $$ >> pids", "wait; sleep 600")
    const { stdout, code } = await shop.run("rotate-now", "production")
    expect(stdout).toContain("went back to the old value: api did not get healthy")
    expect(code).toBe(1)
    const pids = pidsIn(project.read("pids"))
    expect(pids).toHaveLength(3)
    await until("all of them are gone", async () => (await Promise.all(pids.map((pid) => isRunning(pid)))).every((runs) => !runs))
    expect([project.read(".env"), await shop.login(shop.old), project.has("fleet.log")]).toEqual([before, "in", false])
  }, 60_000)
})
