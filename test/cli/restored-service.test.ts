import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { openShop } from "../support/shop.ts"

/** A backup of the service brings back the value that a containment took away. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

test("what leaked lives again in Redis: the containment comes first in every hint", async () => {
  await using shop = await openShop(servers.postgres, { redis: servers.redis })
  await shop.adopt()
  const contain = ["rotate-now", "production", "--contain", "--incident", "INC-7"]
  expect((await shop.run(...contain)).code).toBe(0)
  await servers.redis.command("ACL", "SETUSER", shop.role, "resetpass", `>${shop.old}`)
  const first = "first mycelium rotate-now production/redis --contain --incident INC-7"
  for (const args of [
    ["check", "--connect"],
    ["rotate-now", "production", "--dry-run"],
    ["rotate-now", "production"],
  ]) {
    const { stdout } = await shop.run(...args)
    expect([args, stdout]).toEqual([args, expect.stringContaining(first)])
  }
  expect((await shop.run(...contain)).code).toBe(0)
  expect(await shop.service.login({ user: shop.role, password: shop.old })).toBe("WRONGPASS")
}, 60_000)
