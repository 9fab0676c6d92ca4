import { describe, expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"

/**
 * Two users in turn: the name changes at each rotation, so who is shown the password must be shown
 * the name.
 */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

const password = { POSTGRES_PASSWORD: "{{ postgres.password }}" }
const user = { POSTGRES_USER: "{{ postgres.user }}" }

function show(shop: Shop, outputs: readonly object[]): void {
  const { environments, ...config } = configOf(shop)
  shop.project.configure({
    ...config,
    environments: { production: { ...environments["production"], outputs } },
  })
}

describe("a pair of which outputs show the password", () => {
  test("and no user name is not rotated: the dry run, the rotation and check say so", async () => {
    await using shop = await openShop(servers.postgres, { pair: true })
    await shop.adopt()
    show(shop, [{ dotenv: ".env", merge: true, variables: password }])
    const before = shop.project.read(".env")
    const dry = await shop.run("rotate-now", "production", "--dry-run")
    expect(dry.stdout).toContain("pair-user-unshown")
    expect(dry.stdout).toContain("hint: show the user beside the password: {{ postgres.user }}")
    const ran = await shop.run("rotate-now", "production")
    expect(ran.stdout).toContain("(pair-user-unshown)")
    expect([dry.code, ran.code, shop.project.read(".env")]).toEqual([1, 1, before])
    const check = await shop.run("check")
    expect([check.code, check.stdout]).toEqual([4, expect.stringContaining("pair-user-unshown")])
  }, 60_000)

  test("and no user name is contained all the same, with a warning", async () => {
    await using shop = await openShop(servers.postgres, { pair: true })
    await shop.adopt()
    show(shop, [{ dotenv: ".env", merge: true, variables: password }])
    const dry = await shop.run("rotate-now", "production", "--contain", "--dry-run")
    expect(dry.stdout).toContain("no output shows it")
    expect(dry.stdout).toContain("hint: show the user beside the password")
    expect(dry.code).toBe(0)
    const ran = await shop.run("rotate-now", "production", "--contain", "--yes")
    expect(ran.stderr).toContain("no output shows it")
    expect(await shop.login(shop.old, `${shop.role}_blue`)).not.toBe("in")
  }, 60_000)

  test("in a file of its own is rotated, and named where a program reads that file alone", async () => {
    await using shop = await openShop(servers.postgres, { pair: true })
    await shop.adopt()
    show(shop, [
      { dotenv: ".env", merge: true, variables: password },
      { dotenv: "user.env", merge: true, variables: user },
    ])
    const dry = await shop.run("rotate-now", "production", "--dry-run")
    expect(dry.stdout).toContain("api reads the password of postgres in")
    expect(dry.stdout).toContain("no file that shows its user name")
    expect(dry.code).toBe(0)
    const ran = await shop.run("rotate-now", "production", "--no-wait")
    expect(ran.stderr).toContain("no file that shows its user name")
    expect(ran.code, ran.stdout).toBe(0)
    const check = await shop.run("check", "--strict")
    expect([check.code, check.stdout]).toEqual([4, expect.stringContaining("pair-user-unshown")])
  }, 60_000)

  test("and the user name is nothing to speak of", async () => {
    await using shop = await openShop(servers.postgres, { pair: true })
    await shop.adopt()
    const dry = await shop.run("rotate-now", "production", "--dry-run")
    expect([dry.code, dry.stdout]).toEqual([0, expect.not.stringContaining("user name")])
    expect((await shop.run("check")).stdout).not.toContain("pair-user-unshown")
  }, 60_000)
})

test("a user of Redis on several nodes is one user: a file that names it is not said to name one of two", async () => {
  await using shop = await openShop(servers.postgres, { redis: servers.redis })
  const { environments, ...config } = configOf(shop)
  const production = environments["production"] as {
    readonly secrets: Readonly<Record<string, object>>
    readonly outputs: readonly object[]
  }
  const secrets = { redis: { ...production.secrets["redis"], also: ["redis://127.0.0.1:1"] } }
  const file = { template: "users.txt", text: '"{{ redis.user }}" "{{ redis.password }}"\n' }
  shop.project.configure({
    ...config,
    environments: {
      production: { ...production, secrets, outputs: [...production.outputs, file] },
    },
  })
  expect((await shop.run("init")).code).toBe(0)
  expect((await shop.run("check")).stdout).not.toContain("pair-one-user")
}, 60_000)
