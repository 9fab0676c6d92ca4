import { afterAll, beforeAll, expect, test } from "bun:test"
import { type MariadbServer, startMariadb } from "../support/servers/mariadb.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type RedisServer, startRedis } from "../support/servers/redis.ts"
import { openShop } from "../support/shop.ts"

let postgres: PostgresServer
let redis: RedisServer
let mariadb: MariadbServer
beforeAll(async () => {
  ;[postgres, redis, mariadb] = await Promise.all([startPostgres(), startRedis(), startMariadb()])
}, 60_000)
afterAll(() =>
  Promise.all([postgres, redis, mariadb].map((server) => server[Symbol.asyncDispose]())),
)

test.each(["redis", "mariadb"] as const)(
  "adopt and reconcile say that the admin's password is refused, not that the service says nothing: %s",
  async (kind) => {
    await using shop = await openShop(postgres, kind === "redis" ? { redis } : { mariadb })
    const { project } = shop
    await project.mycelium(["init"])
    const file = kind === "redis" ? "redis-admin.password" : "admin.password"
    const right = project.read(file)
    project.write(file, "not-the-password-of-the-admin\n")
    const adopted = await shop.run("adopt", "production")
    expect({ code: adopted.code, message: adopted.stdout }).toEqual({
      code: 1,
      message: expect.stringMatching(
        /not adopted: .*refuses this .*\(password-refused\)\n {2}hint: it is the password of the admin, \S+: correct what the config names for it/,
      ),
    })
    project.write(file, right)
    expect((await shop.run("adopt", "production")).code).toBe(0)
    project.write(file, "not-the-password-of-the-admin\n")
    const reconciled = await shop.run("reconcile", "production", "--dry-run")
    expect({ code: reconciled.code, message: reconciled.stdout }).toEqual({
      code: 1,
      message: expect.stringContaining("(password-refused); nothing was decided"),
    })
  },
  60_000,
)
