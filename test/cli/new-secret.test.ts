import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { openShop } from "../support/shop.ts"

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

test("plan and run name secrets that were never adopted", async () => {
  await using shop = await openShop(servers.postgres)
  expect((await shop.run("init")).code).toBe(0)
  const says = "not rotated, without a value: postgres (adopt, or rotate-now --new)"
  expect((await shop.run("plan")).stdout).toContain(says)
  expect((await shop.run("run", "--once")).stderr).toContain(says)
  expect((await shop.run("adopt", "production")).code).toBe(0)
  expect((await shop.run("plan")).stdout).not.toContain("without a value")
}, 60_000)

test("run says the second of a revoke, and that it is one", async () => {
  await using shop = await openShop(servers.postgres, {
    redis: servers.redis,
    secret: { grace: "10m" },
  })
  await shop.adopt()
  expect((await shop.run("rotate-now", "production", "--no-wait")).code).toBe(0)
  const { stderr } = await shop.run("run", "--once")
  expect(stderr).toMatch(/next .*due=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z what=revoke/)
}, 60_000)

test("a rotation that goes back says which programs are healthy with the former value", async () => {
  await using shop = await openShop(servers.postgres)
  await shop.adopt()
  shop.sicken()
  const { stderr } = await shop.run("rotate-now", "production")
  expect(stderr).toContain("api is healthy with what it reads now")
}, 60_000)
