import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { json } from "../support/mycelium.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"

/**
 * A restart that fails in `rotate-now --contain`: the program may run on with what it has read
 * before, healthy as it was.
 */

let postgres: PostgresServer
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())

const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak-7"] as const

/** The api is healthy whatever it holds, and cannot be restarted. */
async function failing(shop: Shop): Promise<string> {
  await shop.adopt()
  const restart = shop.project.read("restart-api")
  shop.project.script("restart-api", "exit 3")
  shop.project.script("health-api", "exit 0")
  return restart
}

function mendRestart(shop: Shop, restart: string): void {
  shop.project.script("restart-api", ...restart.trim().split("\n").slice(1))
}

describe("a value that no service asks for", () => {
  test("is not contained until its program was restarted", async () => {
    await using shop = await openShop(postgres, { generatedOnly: true })
    const restart = await failing(shop)
    for (const _ of ["once", "and again"]) {
      const ran = await shop.run(...contain)
      expect(ran.stdout).toContain("NOT contained")
      expect(ran.stdout).toContain("api was not restarted since")
      expect(ran.code).toBe(7)
    }
    expect((await shop.run("status")).stdout).not.toContain("none needs attention")
    expect((await shop.run("check", "--quick")).code).not.toBe(0)
    const report = await shop.run("report", "leak-7")
    expect(report.stdout).not.toContain("Contained: yes")
    expect(report.code).toBe(7)

    // Nor by taking the program out of the config: it runs on all the same.
    const config = configOf(shop)
    const production = { ...config.environments["production"], deployments: {} }
    shop.project.configure({ ...config, environments: { production } })
    expect((await shop.run(...contain)).code).toBe(7)
    shop.project.configure(config)

    mendRestart(shop, restart)
    expect((await shop.run(...contain)).code).toBe(0)
    expect((await shop.run("status")).stdout).toContain("none needs attention")
    expect((await shop.run("report", "leak-7")).stdout).toContain("Contained: yes")
  }, 60_000)

  test("is not said to be cut before its program was restarted", async () => {
    await using shop = await openShop(postgres, { generatedOnly: true })
    await shop.adopt()
    const { stderr, code } = await shop.run(...contain, "--revoke-first")
    expect(stderr).not.toContain("no value but the new one is accepted from now on")
    expect(code).toBe(0)
  })
})

test("a value of a service is contained, and its program is owed a restart until that has succeeded", async () => {
  await using shop = await openShop(postgres, { admin: true })
  const restart = await failing(shop)
  for (const _ of ["once", "and again"]) {
    const { reports } = json<{
      readonly reports: readonly { readonly secrets: Record<string, Verdict> }[]
    }>(await shop.run(...contain, "--json"))
    expect(reports[0]?.secrets["postgres"]).toMatchObject({
      kind: "contained",
      unwritten: { outputs: {}, programs: ["api"] },
    })
  }
  expect((await shop.run(...contain)).code).toBe(5)
  mendRestart(shop, restart)
  expect((await shop.run(...contain)).code).toBe(0)
  expect(shop.project.read("api.loaded")).toBe(shop.project.read(".env"))
}, 60_000)

test("a program that could not be restarted is told of as unhealthy until run has restarted it", async () => {
  await using shop = await openShop(postgres, { admin: true })
  const restart = await failing(shop)
  await shop.run(...contain)
  const told = async (): Promise<readonly boolean[]> => [
    (await shop.run("check", "--json")).stdout.includes("promoted-unhealthy"),
    (await shop.run("status")).stdout.includes("did not get healthy"),
  ]
  expect(await told()).toEqual([true, true])
  mendRestart(shop, restart)
  expect((await shop.run("run", "--once")).code).toBe(0)
  expect(await told()).toEqual([false, false])
}, 60_000)

type Verdict = { readonly kind: string; readonly unwritten?: unknown }
