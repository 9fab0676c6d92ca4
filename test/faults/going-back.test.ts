import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { isRunning, pidsIn } from "../support/running.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/**
 * What a way back leaves alone, and what it ends. That files return byte for byte and programs with
 * them: `../cli/rotate.test.ts`.
 */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

/** The api goes first, then the fleet, which reads the same file. */
function withFleet(shop: Shop, api: Readonly<Record<string, unknown>> = {}): void {
  const { production } = configOf(shop).environments
  const deployment = (name: string): object => ({
    command: [`./restart-${name}`],
    reads: [".env"],
    healthy: { command: [`./health-${name}`], within: "1s" },
  })
  shop.project.script("restart-fleet", "echo restarted >> fleet.log")
  shop.project.script("health-fleet", "exit 0")
  shop.project.configure({
    ...configOf(shop),
    environments: {
      production: {
        ...production,
        deployments: { api: { ...deployment("api"), ...api }, fleet: deployment("fleet") },
      },
    },
  })
}

describe("a rotation whose first program does not take the new value", () => {
  test("goes back, and visits once the programs that read the same file: a supervisor may have restarted them", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    withFleet(shop)
    await shop.adopt()
    shop.sicken()
    const before = project.read(".env")
    const { stdout, code } = await shop.run("rotate-now", "production")
    expect(stdout).toContain("went back to the old value: api did not get healthy")
    expect(code).toBe(1)
    expect([project.read(".env"), await shop.login(shop.old), project.read("fleet.log")]).toEqual([
      before,
      "in",
      "restarted\n",
    ])
    expect(project.read("api.log")).toBe("restarted\nrestarted\n")
  }, 60_000)

  test("ends a restart that hangs, with all that it started, and goes back", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    withFleet(shop, { timeout: "1s" })
    await shop.adopt()
    const before = project.read(".env")
    project.write("good.env", before)
    project.script(
      "restart-api",
      "cmp -s .env good.env && { cp .env api.loaded; exit 0; }",
      "trap '' TERM",
      "sleep 600 & echo $! >> pids",
      "(trap '' TERM; sleep 600) & echo $! >> pids",
      "echo $$ >> pids",
      "wait; sleep 600",
    )
    const { stdout, code } = await shop.run("rotate-now", "production")
    expect(stdout).toContain("went back to the old value: api did not get healthy")
    expect(code).toBe(1)
    const pids = pidsIn(project.read("pids"))
    expect(pids).toHaveLength(3)
    await until("all of them are gone", async () =>
      (await Promise.all(pids.map((pid) => isRunning(pid)))).every((runs) => !runs),
    )
    expect([project.read(".env"), await shop.login(shop.old), project.read("fleet.log")]).toEqual([
      before,
      "in",
      "restarted\n",
    ])
  }, 60_000)
})

describe("a program that cannot be restarted on the way back", () => {
  /** Without a health check: only its restart can tell. */
  function withoutHealth(shop: Shop): void {
    const { production } = configOf(shop).environments
    shop.project.script("restart-api", "[ ! -e broken ] || exit 1", "cp .env api.loaded")
    shop.project.configure({
      ...configOf(shop),
      environments: {
        production: {
          ...production,
          deployments: { api: { command: ["./restart-api"], reads: [".env"] } },
        },
      },
    })
  }

  test("is told then (exit 7), by status and by check afterwards, until a rotation has proven it", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    withoutHealth(shop)
    await shop.adopt()
    project.write("broken", "")
    const { stdout, code } = await shop.run("rotate-now", "production")
    expect(stdout).toContain("api: ")
    expect(stdout).toContain("after going back api: ")
    expect(stdout).toContain("that program may be down, or still use the value that was given up")
    expect(code).toBe(7)
    expect([await shop.login(shop.old), shop.shown]).toEqual(["in", shop.old])
    const status = await shop.run("status")
    expect(status.stdout).toMatch(/! postgres .*after going back api: /)
    // Only a person tries it before it is due.
    expect(status.stdout).toContain("; mycelium run tries again once it is due, ")
    const check = await shop.run("check", "--quick", "--json")
    expect(check.stdout).toContain('"back-unhealthy"')
    expect(check.code).toBe(4)
    // Nothing asks for its health, so the next rotation is what finds out: it restarts it.
    rmSync(project.path("broken"))
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    expect((await shop.run("check", "--quick", "--json")).stdout).not.toContain("back-unhealthy")
    expect(project.read("api.loaded")).toBe(project.read(".env"))
  }, 60_000)

  test("is restarted again, and told, where the run is killed before the way back has ended", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    withFleet(shop)
    await shop.adopt()
    project.write("good.env", project.read(".env"))
    // The fleet does not take the new value; on the way back the api fails first, and the fleet's
    // restart is where the run dies.
    project.script(
      "restart-api",
      "echo restarted >> api.log",
      "[ ! -e broken ] || exit 1",
      "cp .env api.loaded",
    )
    project.script(
      "restart-fleet",
      "cmp -s .env good.env || { touch broken; exit 1; }",
      'if [ ! -e died ]; then touch died; kill -9 "$PPID"; exit 1; fi',
    )
    expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
    const { stdout, stderr, code } = await shop.run("run", "--once")
    expect(`${stdout}${stderr}`).toMatch(
      /error +rolled-back .*code=back-unhealthy .*after going back api: /,
    )
    expect(code).toBe(7)
    expect(project.read("api.log")).toBe("restarted\nrestarted\nrestarted\n")
    expect([await shop.login(shop.old), shop.shown]).toEqual(["in", shop.old])
  }, 60_000)
})
