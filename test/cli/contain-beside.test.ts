import { describe, expect, test } from "bun:test"
import { auditFaults, stateOf, versionsOf } from "../support/sealed.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"

/**
 * A containment beside a rotation that cannot be ended now: a person has changed a password
 * meanwhile, or a server is down. It goes on with all others, and leaves in each file what that one
 * shows of the rotation's secrets.
 */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

const byHand = "Set-by-hand.0123456789abcdef"
const contain = ["--contain", "--yes", "--incident", "leak-7"]

/** Killed in the first restart of the api; then a person changes the role's password. */
async function killed(shop: Shop, ...chosen: readonly string[]): Promise<void> {
  await shop.adopt()
  const { project } = shop
  const restart = project.read("restart-api")
  project.script("restart-api", 'kill -9 "$PPID"', "exit 1")
  expect((await shop.run("rotate-now", ...chosen)).signal).toBe("SIGKILL")
  project.script("restart-api", ...restart.trim().split("\n").slice(1))
}

const line = (shop: Shop, name: string): string => shop.project.variable(name)
async function stages(shop: Shop, secret: string): Promise<readonly string[]> {
  return (await versionsOf(shop.project, secret)).map(({ id, stage }) => `${id} ${stage}`)
}
function redisLogin(shop: Shop, password: string): Promise<string> {
  const [, service] = shop.services
  return service?.login({ user: shop.role, password }) ?? Promise.resolve("no redis")
}

describe("a rotation of another secret that a person has made undecidable", () => {
  test("holds up no containment; its line in the file stays as it is, and adopt ends it later", async () => {
    await using shop = await openShop(servers.postgres, { beside: servers.redis })
    await killed(shop, "production/postgres")
    await shop.setPassword(byHand)
    const shown = shop.shown
    const dry = await shop.run("rotate-now", "production/redis", ...contain, "--dry-run")
    expect(dry.stdout).toContain("It cannot be ended now, and stays open:")
    expect(dry.stdout).not.toContain("ends it first")
    // The api may be cut off from postgres.
    expect(dry.code).toBe(7)
    const ran = await shop.run("rotate-now", "production/redis", ...contain)
    expect(ran.stdout).toContain("production/redis: v2 is current")
    expect(ran.stdout).toContain("production/postgres: STUCK")
    expect(ran.stdout).toContain("leak-7: contained")
    expect(ran.stdout).toContain(
      "is not finished (going on): postgres. It stays open: files go on showing what they showed of postgres",
    )
    expect(ran.stderr).toContain(
      "production/api may be cut off: it may hold a value of production/postgres that no longer works",
    )
    expect(ran.code).toBe(7)
    expect([shop.shown, await redisLogin(shop, shop.old)]).toEqual([shown, "WRONGPASS"])
    expect(await redisLogin(shop, line(shop, "REDIS_PASSWORD"))).toBe("in")
    expect(await stages(shop, "postgres")).toEqual(["v1 current", "v2 pending"])
    expect((await shop.run("report", "leak-7")).code).toBe(0)
    expect((await shop.run("check", "--quick")).stdout).toContain("journal-stuck")
    // The same incident does nothing twice.
    const again = await shop.run("rotate-now", "production/redis", ...contain)
    expect(again.stdout).toContain("contained before")
    expect(await stages(shop, "redis")).toEqual(["v1 retired", "v2 current"])
    shop.project.write("given.json", JSON.stringify({ postgres_password: byHand }))
    expect((await shop.run("adopt", "production", "--from", "given.json")).code).toBe(0)
    expect([shop.shown, await redisLogin(shop, line(shop, "REDIS_PASSWORD"))]).toEqual([
      byHand,
      "in",
    ])
    expect((await stateOf(shop.project))?.changeSet).toBeUndefined()
    expect((await stateOf(shop.project))?.deferred).toBeUndefined()
    expect(auditFaults(shop.project)).toEqual([])
    expect((await shop.run("status")).stdout).toContain("none needs attention")
  }, 120_000)

  test("gives up a secret of its own that is chosen, and whose service answers", async () => {
    await using shop = await openShop(servers.postgres, { beside: servers.redis })
    await killed(shop, "production")
    await shop.setPassword(byHand)
    const dry = await shop.run("rotate-now", "production/redis", ...contain, "--dry-run")
    expect(dry.stdout).toContain("It cannot be ended now, and stays open:")
    // The api may be cut off from postgres.
    expect(dry.code).toBe(7)
    const ran = await shop.run("rotate-now", "production/redis", ...contain)
    expect(ran.stdout).toContain("leak-7: contained")
    expect(ran.stderr).toContain(
      "production/api may be cut off: it may hold a value of production/postgres that no longer works",
    )
    expect(ran.code).toBe(7)
    expect([
      await redisLogin(shop, shop.old),
      await redisLogin(shop, line(shop, "REDIS_PASSWORD")),
    ]).toEqual(["WRONGPASS", "in"])
    expect((await shop.run("report", "leak-7")).code).toBe(0)
    // What is chosen and cannot be decided is said, by the dry run, too.
    const both = ["production/redis", "production/postgres"]
    const foretold = await shop.run("rotate-now", ...both, ...contain, "--dry-run")
    expect(foretold.stdout).toMatch(/postgres +NO /)
    expect(foretold.code).toBe(7)
    const left = await shop.run("rotate-now", ...both, ...contain)
    expect(left.stdout).toContain("leak-7: NOT all contained, 1 left")
    expect(left.code).toBe(7)
  }, 120_000)
})

test("a server that is down while a rotation goes back: what else was in it is contained, and its own end comes later", async () => {
  await using own = await startPostgres()
  await using shop = await openShop(own, { beside: servers.redis })
  await shop.adopt()
  const { project } = shop
  shop.sicken()
  const restart = project.read("restart-api")
  project.script("restart-api", 'kill -9 "$PPID"', "exit 1")
  expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
  project.script("restart-api", ...restart.trim().split("\n").slice(1))
  const shown = [shop.shown, line(shop, "REDIS_PASSWORD")]
  await own.stop("immediate")
  const began = Date.now()
  const ran = await shop.run("rotate-now", "production/redis", ...contain)
  expect(ran.stdout).toContain("production/redis: v3 is current")
  expect(ran.stdout).toContain("leak-7: contained")
  expect(Date.now() - began).toBeLessThan(25_000)
  expect([shop.shown, await redisLogin(shop, shown[1] ?? "")]).toEqual([
    shown[0] ?? "",
    "WRONGPASS",
  ])
  await own.start()
  await shop.run("run", "--once")
  expect([
    await shop.login(shop.shown),
    await redisLogin(shop, line(shop, "REDIS_PASSWORD")),
  ]).toEqual(["in", "in"])
  expect((await stateOf(project))?.changeSet).toBeUndefined()
}, 120_000)

test("an output that is one text: what it shows of the other is put together again, or it is owed", async () => {
  await using shop = await openShop(servers.postgres, { beside: servers.redis })
  const { environments, ...rest } = configOf(shop)
  const { outputs, deployments, ...production } = environments["production"] ?? {}
  const text = "{{ postgres.password }} {{ redis.password }}\n"
  shop.project.configure({
    ...rest,
    environments: {
      production: {
        ...production,
        outputs: [...(outputs as readonly unknown[]), { template: "both.conf", text }],
        deployments: {
          api: {
            ...(deployments as Readonly<Record<string, object>>)["api"],
            reads: [".env", "both.conf"],
          },
        },
      },
    },
  })
  await killed(shop, "production/postgres")
  await shop.setPassword(byHand)
  const ran = await shop.run("rotate-now", "production/redis", ...contain)
  expect(ran.stdout).toContain("leak-7: contained")
  expect(shop.project.read("both.conf")).toBe(`${shop.shown} ${line(shop, "REDIS_PASSWORD")}\n`)
}, 120_000)
