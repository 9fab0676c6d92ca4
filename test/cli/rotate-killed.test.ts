import { describe, expect, test } from "bun:test"
import { until } from "../support/until.ts"
import { json } from "../support/mycelium.ts"
import { stateOf, versionsOf } from "../support/sealed.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { configOf, openShop } from "../support/shop.ts"
import { type Report, expectBack } from "../support/rotation.ts"
import { serversOfFile } from "../support/servers-of-file.ts"

const servers = serversOfFile({ postgres: startPostgres })

describe("mycelium, killed", () => {
  test("in a restart hook, is finished by the next call, with the same value, and ends the old hook first", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    const { production } = configOf(shop).environments
    project.configure({
      ...configOf(shop),
      environments: {
        production: {
          ...production,
          deployments: {
            api: {
              command: ["./restart-api"],
              timeout: "2s",
              healthy: { command: ["./health-api"] },
            },
          },
        },
      },
    })
    await shop.adopt()
    project.script(
      "restart-api",
      "echo $$ >> hooks",
      'if [ ! -e once ]; then touch once; kill -9 "$PPID"; sleep 60; fi',
      "cp .env api.loaded",
    )
    const killed = await shop.run("rotate-now", "production")
    expect(killed.signal).toBe("SIGKILL")
    const made = shop.shown
    expect([await shop.login(made), await shop.login(shop.old)]).toEqual(["in", "28P01"])
    expect((await stateOf(project))?.changeSet?.direction).toBe("forward")
    const status = await shop.run("status")
    expect(status.stdout).toContain("is not finished: going forward")

    const again = await shop.run("rotate-now", "production", "--json")
    expect(json<Report>(again).reports[0]).toMatchObject({
      recovered: { postgres: { kind: "rotated", version: "v2" } },
      outcomes: {},
    })
    expect(again.code).toBe(0)
    expect(shop.shown).toBe(made)
    expect(project.read("api.loaded")).toBe(project.read(".env"))
    expect((await versionsOf(project, "postgres")).map(({ stage }) => stage)).toEqual([
      "retired",
      "current",
    ])
    const [first] = project.read("hooks").split("\n")
    await until("the first hook to be gone", () => !processRuns(Number(first)))
  }, 60_000)

  test("in a rollback, continues the rollback", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    shop.sicken()
    const before = project.read(".env")
    project.script(
      "restart-api",
      "cp .env api.loaded",
      'if cmp -s .env good.env && [ ! -e once ]; then touch once; kill -9 "$PPID"; fi',
    )
    expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
    expect((await stateOf(project))?.changeSet?.direction).toBe("back")
    const again = await shop.run("rotate-now", "production", "--json")
    expect(json<Report>(again).reports[0]?.recovered).toMatchObject({
      postgres: { kind: "rolled-back" },
    })
    expect(again.code).toBe(1)
    await expectBack(shop, before)
  }, 60_000)

  test("in a rollback, restarts the programs that the machine started meanwhile with the new file", async () => {
    await using shop = await openShop(servers.postgres, { two: true })
    const { project } = shop
    await shop.adopt()
    shop.sicken()
    project.script(
      "restart-api",
      'if [ ! -e once ]; then touch once; kill -9 "$PPID"; exit 1; fi',
      "cp .env api.loaded",
    )
    const before = project.read("session.env")
    expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
    // Its own turn had not come: no run of Mycelium has restarted it.
    project.write("web.loaded", project.read("session.env"))
    expect(project.read("web.loaded")).not.toBe(before)
    await shop.run("run", "--once")
    expect(project.read("session.env")).toBe(before)
    expect(project.read("web.loaded")).toBe(before)
  }, 60_000)

  test("is finished with the options that it began with, not with today's", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    project.script(
      "restart-api",
      'if [ ! -e once ]; then touch once; kill -9 "$PPID"; exit 1; fi',
      "cp .env api.loaded",
    )
    expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
    const { production } = configOf(shop).environments
    project.configure({
      ...configOf(shop),
      environments: {
        production: {
          ...production,
          deployments: {},
          outputs: [
            { dotenv: "other.env", variables: { POSTGRES_PASSWORD: "{{ postgres.password }}" } },
          ],
        },
      },
    })
    const again = await shop.run("rotate-now", "production", "--json")
    expect(json<Report>(again).reports[0]?.recovered).toMatchObject({
      postgres: { kind: "rotated", version: "v2" },
    })
    expect(project.read("api.loaded")).toBe(project.read(".env"))
    expect(await shop.login(shop.shown)).toBe("in")
  }, 60_000)
})

function processRuns(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
