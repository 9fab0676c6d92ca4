import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { program } from "../plugins/drivers/rabbitmq/harness.ts"
import { clientOf } from "../support/login.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startMariadb } from "../support/servers/mariadb.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRabbitmq } from "../support/servers/rabbitmq.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, type ShopOptions, openShop } from "../support/shop.ts"

/** A secret that leaked, was not contained, and is deleted: an intruder who is logged in does not stay so. */

const servers = serversOfFile({
  postgres: startPostgres,
  redis: startRedis,
  mariadb: startMariadb,
  rabbitmq: startRabbitmq,
})
type Kind = "postgres" | "redis" | "mariadb" | "rabbitmq"

function optionsOf(kind: Kind): ShopOptions {
  return kind === "postgres" ? { admin: true } : { [kind]: servers[kind] }
}

/** A session with the leaked value; whether it still answers. */
async function intrude(kind: Kind, { role, old }: Shop): Promise<() => Promise<boolean>> {
  if (kind === "rabbitmq") {
    const one = await program(servers.rabbitmq, { user: role, password: old })
    return () => Promise.resolve(!one.ended())
  }
  const answers = await client(kind, role, old)
  expect(await answers()).toBe(true)
  return answers
}

async function client(kind: Kind, role: string, old: string): Promise<() => Promise<boolean>> {
  const is = (asked: Promise<unknown>): Promise<boolean> =>
    asked.then(
      () => true,
      () => false,
    )
  if (kind === "redis") {
    const one = new Bun.RedisClient(`redis://${role}:${old}@127.0.0.1:${servers.redis.port}`, {
      autoReconnect: false,
    })
    await one.connect()
    return () => is(one.ping())
  }
  const one =
    kind === "postgres"
      ? clientOf(servers.postgres, role, old)
      : new Bun.SQL({
          adapter: "mysql",
          hostname: "127.0.0.1",
          port: servers.mariadb.port,
          database: "information_schema",
          username: role,
          password: old,
          max: 1,
        })
  const reserved = await one.reserve()
  return () => is(reserved.unsafe("SELECT 1"))
}

describe.each(["postgres", "redis", "mariadb", "rabbitmq"] as const)("delete of %s", (kind) => {
  test("in an incident ends each session, and the incident is over by that", async () => {
    await using shop = await openShop(servers.postgres, optionsOf(kind))
    await shop.adopt()
    const isIn = await intrude(kind, shop)
    const file = kind === "redis" ? "redis-admin.password" : "admin.password"
    const admin = shop.project.read(file)
    shop.project.write(file, "wrong\n")
    const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak-7"]
    expect((await shop.run(...contain)).code).toBe(7)
    shop.project.write(file, admin)
    expect(await isIn()).toBe(true)
    const deleted = await shop.run("delete", `production/${kind}`, "--yes")
    expect(deleted.stdout).toContain("erased: its login is refused, and 1 open session ended")
    const report = await shop.run("report", "leak-7")
    expect(report.stdout).toMatch(/and its login ended \| 1 \|/)
    expect([deleted.code, await isIn(), await shop.login(shop.old), report.code]).toEqual([
      0,
      false,
      shop.service.refusal,
      0,
    ])
  }, 90_000)
})

test("a right to end them that is missing: it is not erased, and the incident is not over", async () => {
  await using shop = await openShop(servers.postgres, { admin: true, endSessions: true })
  await shop.adopt()
  const isIn = await intrude("postgres", shop)
  await servers.postgres.sql(`alter role ${shop.role}_admin noinherit`)
  const deleted = await shop.run("delete", "production/postgres", "--yes")
  expect(deleted.stdout).toContain("NOT erased")
  expect(deleted.stdout).toContain("its login is refused, and sessions may be open")
  expect([deleted.code, await isIn(), await shop.login(shop.old)]).toEqual([7, true, "28P01"])
  await servers.postgres.sql(`alter role ${shop.role}_admin inherit`)
  expect((await shop.run("delete", "production/postgres", "--yes")).code).toBe(0)
  expect([
    await isIn(),
    readFileSync(shop.project.auditPath(), "utf8").includes('"sessionsEnded":1'),
  ]).toEqual([false, true])
}, 60_000)

test("without an incident, and without end_sessions: they stay, and that is said", async () => {
  await using shop = await openShop(servers.postgres, { admin: true })
  await shop.adopt()
  const isIn = await intrude("postgres", shop)
  const deleted = await shop.run("delete", "production/postgres", "--yes")
  expect(deleted.stdout).toContain("its login is refused; sessions that are open stay open")
  expect([deleted.code, await isIn()]).toEqual([0, true])
}, 60_000)
