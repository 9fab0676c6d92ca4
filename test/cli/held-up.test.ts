import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { stateOf } from "../support/sealed.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"
import { SmallDisk, whyNoDisk } from "../support/small-disk.ts"

/**
 * A rotation that does not come to its end: status, plan and check tell what holds it up now, and
 * who is cut off meanwhile.
 */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

const rotate = ["rotate-now", "production/postgres"]

async function expectTold(shop: Shop, cause: RegExp, cut: string): Promise<void> {
  const [status, plan, quick] = await Promise.all([
    shop.run("status"),
    shop.run("plan"),
    shop.run("check", "--quick"),
  ])
  for (const { stdout } of [status, plan, quick]) {
    expect(stdout).toMatch(cause)
    expect(stdout).toContain(cut)
  }
  const [shown, planned] = await Promise.all([journalsBy(shop, "status"), journalsBy(shop, "plan")])
  expect(planned).toEqual(shown)
  expect(shown).toHaveLength(1)
  expect(quick.stdout).toContain("FAIL  journal-stuck: ")
  expect(quick.code).toBe(4)
}

/** As a program reads them. */
async function journalsBy(shop: Shop, command: "status" | "plan"): Promise<readonly string[]> {
  const { stdout } = await shop.run(command, "--json")
  const { environments } = JSON.parse(stdout) as {
    readonly environments: readonly { readonly journals: readonly string[] }[]
  }
  return environments.flatMap(({ journals }) => journals)
}

test("a way back at a server that is down by now: both causes are told, and the program that may be cut off; no more once it is over", async () => {
  await using own = await startPostgres()
  await using shop = await openShop(own)
  await shop.adopt()
  shop.project.script(
    "restart-api",
    `kill -INT ${own.pid}`,
    `while kill -0 ${own.pid} 2> /dev/null; do sleep 0.1; done`,
    "exit 1",
  )
  expect((await shop.run(...rotate)).code).toBe(7)
  const told =
    /going back,? because api did not get healthy: .*; held up since \d{4}-\d\d-\d\d \d\d:\d\d UTC: production\/postgres: .*ECONNREFUSED \(unreachable\)/
  await expectTold(shop, told, "production/api may hold a value that no longer works")
  const noted = (await stateOf(shop.project))?.changeSet?.waits
  // Nothing new is learnt: since when stays as it is.
  shop.project.script("restart-api", "cp .env api.loaded")
  const once = await shop.run("run", "--once")
  expect(once.code).toBe(7)
  expect(once.stderr).toMatch(
    /production\/api may be cut off: .*; this must be over first: production\/postgres: .*ECONNREFUSED \(unreachable\); then run mycelium run --once: it finishes going back/,
  )
  expect((await stateOf(shop.project))?.changeSet?.waits).toEqual(noted)
  await own.start()
  // It comes to its end: it is back.
  expect((await shop.run("run", "--once")).code).toBe(1)
  for (const words of [["status"], ["plan"], ["check", "--quick"]])
    expect((await shop.run(...words)).stdout).not.toMatch(/held up|not finished/)
}, 120_000)

test("a file without a restart is named as well, if it shows a value that no longer works", async () => {
  await using own = await startPostgres()
  await using shop = await openShop(own, { two: true })
  const config = configOf(shop)
  const production = config.environments["production"] ?? {}
  const { web } = production["deployments"] as Readonly<Record<string, object>>
  shop.project.configure({
    ...config,
    environments: {
      production: {
        ...production,
        deployments: { web },
      },
    },
  })
  await shop.adopt()
  shop.project.script(
    "restart-web",
    `kill -INT ${own.pid}`,
    `while kill -0 ${own.pid} 2> /dev/null; do sleep 0.1; done`,
    "exit 1",
  )
  expect((await shop.run("rotate-now", "production")).code).toBe(7)
  await expectTold(
    shop,
    /\(unreachable\)/,
    `${shop.project.path(".env")} may show a value that no longer works`,
  )
}, 120_000)

describe.skipIf(whyNoDisk !== undefined)(
  `an output that cannot be put back${whyNoDisk === undefined ? "" : ` (skipped: ${whyNoDisk})`}`,
  () => {
    test("is told as what holds the way back up", async () => {
      await using shop = await openShop(server)
      using disk = new SmallDisk(shop.project.path("disk"))
      const { production } = configOf(shop).environments
      shop.project.write("disk/.env", shop.project.read(".env"))
      shop.project.configure({
        project: "shop",
        environments: {
          production: {
            ...production,
            outputs: [
              {
                dotenv: "disk/.env",
                merge: true,
                variables: { POSTGRES_PASSWORD: "{{ postgres.password }}" },
              },
            ],
            deployments: { api: { command: ["./restart-api"], reads: ["disk/.env"] } },
          },
        },
      })
      await shop.adopt()
      shop.project.script("restart-api", `mount -o remount,ro '${disk.folder}'`, "exit 1")
      expect((await shop.run(...rotate)).code).toBe(7)
      await expectTold(
        shop,
        /held up since .*: production\/postgres: .* EROFS \(write-failed\)/,
        "production/api may hold a value that no longer works",
      )
    }, 60_000)
  },
)
