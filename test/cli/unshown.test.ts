import { describe, expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startMariadb } from "../support/servers/mariadb.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, type ShopOptions, configOf, openShop } from "../support/shop.ts"

/** A secret that no output shows any more: no program could learn a new value of it. */

const servers = serversOfFile({ server: startPostgres, redis: startRedis, mariadb: startMariadb })

const drivers: readonly (readonly [string, () => ShopOptions])[] = [
  ["postgres", () => ({})],
  ["postgres, a pair", () => ({ pair: true })],
  ["redis", () => ({ redis: servers.redis })],
  ["mariadb", () => ({ mariadb: servers.mariadb })],
]

/** Takes the outputs out; `more` goes over the secret's options. */
function hide(shop: Shop, more: object = {}): void {
  const { environments, ...config } = configOf(shop)
  const { secrets, ...rest } = environments["production"] as {
    readonly secrets: Readonly<Record<string, object>>
  }
  const all = Object.fromEntries(
    Object.entries(secrets).map(([name, options]) => [name, { ...options, ...more }]),
  )
  shop.project.configure({
    ...config,
    environments: { production: { ...rest, secrets: all, outputs: [], deployments: {} } },
  })
}

const user = (shop: Shop): string => shop.service.shown(shop.project).user

describe.each(drivers)("%s", (_, options) => {
  test("is not rotated: the dry run, the rotation and check say so", async () => {
    await using shop = await openShop(servers.server, options())
    await shop.adopt()
    const login = { user: user(shop), password: shop.old }
    hide(shop)
    const dry = await shop.run("rotate-now", "production", "--dry-run")
    expect(dry.stdout).toContain(`NO   no output shows ${shop.service.secret}`)
    const ran = await shop.run("rotate-now", "production")
    expect(ran.stdout).toContain("(secret-unshown)")
    expect([dry.code, ran.code]).toEqual([1, 1])
    expect(await shop.service.login(login)).toBe("in")
    const check = await shop.run("check")
    expect([check.code, check.stdout]).toEqual([4, expect.stringContaining("secret-unshown")])
  })
})

test("is rotated if the config says that it is meant", async () => {
  await using shop = await openShop(servers.server)
  await shop.adopt()
  hide(shop, { unshown: true })
  expect((await shop.run("rotate-now", "production")).code).toBe(0)
  expect(await shop.login(shop.old)).toBe("28P01")
  expect((await shop.run("check")).stdout).not.toContain("secret-unshown")
})

test("is contained all the same, and that no program can know its value is said at the end", async () => {
  await using shop = await openShop(servers.server)
  await shop.adopt()
  hide(shop)
  const dry = await shop.run("rotate-now", "production", "--contain", "--dry-run")
  expect(dry.stdout).toContain("no output shows postgres")
  const ran = await shop.run("rotate-now", "production", "--contain", "--yes")
  expect(ran.stdout).toContain("production/postgres: NO output shows its new value")
  expect(await shop.login(shop.old)).toBe("28P01")
})
