import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { openShop } from "../support/shop.ts"

/** A program reads two secrets; the service of one refuses what the file shows. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

test("a program is not restarted into a value that its service is known to refuse", async () => {
  await using shop = await openShop(servers.postgres, { beside: servers.redis })
  await shop.adopt()
  const before = shop.project.read(".env")
  await shop.setPassword("Another-password.123")
  for (const args of [["production"], ["production/redis"]]) {
    const { code, stdout } = await shop.run("rotate-now", ...args)
    expect([args, code]).not.toEqual([args, 0])
    expect(stdout).toContain(
      "production/redis: left as it was: its rotation would restart api with the value of postgres " +
        "that its service refuses (restart-loads-refused)",
    )
  }
  expect(shop.project.read(".env")).toBe(before)
  expect(shop.project.read("api.loaded")).toBe(before)

  await shop.setPassword(shop.old)
  expect((await shop.run("adopt", "production")).code).toBe(0)
  expect((await shop.run("rotate-now", "production")).code).toBe(0)
}, 60_000)

test("a containment of the other one does not wait for that", async () => {
  await using shop = await openShop(servers.postgres, { beside: servers.redis })
  await shop.adopt()
  await shop.setPassword("Another-password.123")
  await shop.run("rotate-now", "production")
  const { stdout } = await shop.run("rotate-now", "production/redis", "--contain")
  expect(stdout).toContain("production/redis: v2 is current")
}, 60_000)
