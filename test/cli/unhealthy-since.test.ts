import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { openShop } from "../support/shop.ts"

/** A health check that the old program has answered: the new one is found dead only later. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

test("a program that was healthy after its restart and is not any more keeps the old value accepted, which is said, until it is healthy again", async () => {
  await using shop = await openShop(servers.postgres, {
    redis: servers.redis,
    secret: { grace: "10m" },
  })
  await shop.adopt()
  expect((await shop.run("rotate-now", "production", "--no-wait")).code).toBe(0)
  shop.project.write("api.loaded", "")
  const revoke = ["rotate-now", "production", "--skip-grace", "--no-wait"]
  const { code, stdout } = await shop.run(...revoke)
  expect(stdout).toContain("production/redis: v1 is NOT proven dead: api is not healthy any more")
  expect(stdout).toContain("(deployment-unhealthy)")
  expect(code).not.toBe(0)
  expect(await shop.service.login({ user: shop.role, password: shop.old })).toBe("in")
  shop.project.write("api.loaded", shop.project.read(".env"))
  expect((await shop.run(...revoke)).code).toBe(0)
  expect(await shop.service.login({ user: shop.role, password: shop.old })).toBe("WRONGPASS")
}, 60_000)
