import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { openShop } from "../support/shop.ts"

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

test("a value that the service refuses gets no grace when another is adopted: status does not call it accepted", async () => {
  await using shop = await openShop(servers.postgres, {
    redis: servers.redis,
    secret: { grace: "1h" },
  })
  await shop.adopt()
  const works = `Set-by-hand.${crypto.randomUUID()}`
  await servers.redis.command("ACL", "SETUSER", shop.role, "resetpass", `>${works}`)
  expect((await shop.run("rotate-now", "production")).code).toBe(7)
  shop.project.write(".env", shop.project.read(".env").replaceAll(shop.old, works))
  expect((await shop.run("adopt", "production")).stdout).toContain("adopted as v2")
  expect((await shop.run("status")).stdout).not.toContain("is accepted for")
  // As a person restarts it, who is told to.
  shop.project.write("api.loaded", shop.project.read(".env"))
  expect((await shop.run("run", "--once")).code).toBe(0)
  expect((await shop.run("status")).stdout).not.toMatch(/accepted|owed/)
}, 60_000)
