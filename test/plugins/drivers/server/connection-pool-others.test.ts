import { describe, expect, test } from "bun:test"
import { ActivityScope } from "../../../../src/base/activity-scope.ts"
import type { Driver } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { mariadb } from "../../../../src/plugins/drivers/mariadb/index.ts"
import { redis } from "../../../../src/plugins/drivers/redis/index.ts"
import { startMariadb } from "../../../support/servers/mariadb.ts"
import { startRedis } from "../../../support/servers/redis.ts"
import { until } from "../../../support/until.ts"
import { session } from "../mariadb/harness.ts"
import { credential, drafted, host, soon, versions } from "../postgres/harness.ts"
import { serversOfFile } from "../../../support/servers-of-file.ts"

/** An admin of Redis or MariaDB logs in once for all acts of a run. */

const servers = serversOfFile({ redis: startRedis })

describe("Redis", () => {
  const open = (activity: ActivityScope, password: () => string): Driver =>
    redis.open(
      redis.options.parse({
        address: `redis://127.0.0.1:${servers.redis.port}`,
        user: "shop",
        admin: { user: servers.redis.admin.user, password: { env: "X" } },
      }),
      {
        host,
        label: "a/cache",
        owner: "0a1b2c3d4e5f",
        folder: servers.redis.folder,
        activity: activity,
        credential: async () => new Secret("admin", password()),
      },
    )
  const clients = async (): Promise<readonly string[]> =>
    String(await servers.redis.command("CLIENT", "LIST"))
      .split("\n")
      .flatMap((line) => line.match(/ name=(mycelium\S*)/)?.[1] ?? [])

  test("one connection serves all acts, with one read of the credential, and ends with the work", async () => {
    await servers.redis.command("ACL", "SETUSER", "shop", "on", ">old-password", "~*", "+@all")
    const activity = new ActivityScope()
    const leave = activity.join()
    let password = servers.redis.admin.password
    const driver = open(activity, () => password)
    const old = credential("v1", { user: "shop", password: "old-password" })
    const next = drafted(driver, "v2")
    await driver.preflight(versions(old), soon())
    const live = { ...next, ...(await driver.apply(next, versions(old, next), soon())) }
    await driver.revokeOthers?.(live, soon())
    expect([await driver.probe(live, soon()), await driver.probe(old, soon())]).toEqual([
      "accepted",
      "refused",
    ])
    expect(await clients()).toEqual(["mycelium-look"])
    password = "not-the-password"
    expect(await driver.settle([old], soon())).toBe(true)
    await servers.redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await expect(driver.settle([old], soon())).rejects.toMatchObject({ code: "password-refused" })
    password = servers.redis.admin.password
    expect(await driver.settle([live], soon())).toBe(true)
    leave()
    await until("no connection is left", async () => (await clients()).length === 0)
  })
})

describe("MariaDB", () => {
  test("one login serves looks and changes, another the act that dates a value; both end with the work", async () => {
    await using database = await startMariadb({
      config: { "general-log": "1", "log-output": "TABLE", autocommit: "0" },
    })
    await database.sql("create user 'rotator'@'%' identified by 'pw-of-rotator'")
    await database.sql("grant all on *.* to 'rotator'@'%'")
    await database.sql("create user 'kept'@'%' identified by 'old-password'")
    const logins = async (): Promise<number> =>
      Number(
        (
          await database.sql(
            "select count(*) as n from general_log where command_type = 'Connect' and " +
              "argument like 'rotator@%'",
          )
        )[0]?.["n"],
      )
    const open = async (): Promise<readonly unknown[]> =>
      database.sql("select id from information_schema.processlist where user = 'rotator'")
    const activity = new ActivityScope()
    const leave = activity.join()
    let reads = 0
    const driver = mariadb.open(
      mariadb.options.parse({
        address: `mariadb://127.0.0.1:${database.port}`,
        user: "kept",
        admin: { user: "rotator", password: { env: "X" } },
      }),
      {
        host,
        label: "production/mariadb",
        owner: "0a1b2c3d4e5f",
        folder: database.folder,
        activity: activity,
        credential: async () => {
          reads++
          return new Secret("admin", "pw-of-rotator")
        },
      },
    )
    const old = credential("v1", { user: "kept", password: "old-password" })
    await driver.preflight(versions(old), soon())
    await driver.settle([old], soon())
    expect([await logins(), (await open()).length]).toEqual([1, 1])
    const next = drafted(driver, "v2")
    const { acceptedAt = "" } = await driver.apply(next, versions(old, next), soon())
    expect([await logins(), (await open()).length, reads]).toEqual([2, 1, 2])
    // What waits holds neither our lock nor one of the table that it has read.
    const [held] = await database.sql(
      "select is_used_lock('mycelium/production/mariadb#0a1b2c3d') as holder",
    )
    expect(held?.["holder"]).toBeNull()
    await database.sql("set statement lock_wait_timeout = 1 for alter table global_priv force")
    const live = { ...next, acceptedAt }
    expect(await driver.probe(old, soon())).toBe("accepted")
    await driver.revoke(old, live, { endSessions: true }, soon())
    expect(await driver.probe(old, soon())).toBe("refused")
    expect(await driver.probe(live, soon())).toBe("accepted")
    expect([await logins(), reads]).toEqual([2, 2])
    leave()
    await until("no connection is left", async () => (await open()).length === 0)
  }, 30_000)

  test("a session that began while the admin's connection waited is older than the value", async () => {
    await using database = await startMariadb()
    await database.sql("create user 'aged'@'%' identified by 'old-password'")
    const activity = new ActivityScope()
    const leave = activity.join()
    const { user: admin, password } = database.admin
    const driver = mariadb.open(
      mariadb.options.parse({
        address: `mariadb://127.0.0.1:${database.port}`,
        user: "aged",
        admin: { user: admin, password: { env: "X" } },
      }),
      {
        host,
        label: "production/mariadb",
        owner: "0a1b2c3d4e5f",
        folder: database.folder,
        activity: activity,
        credential: async () => new Secret("admin", password),
      },
    )
    const old = credential("v1", { user: "aged", password: "old-password" })
    await driver.settle([old], soon())
    using program = await session(database, "aged", "old-password")
    const next = drafted(driver, "v2")
    const { acceptedAt = "" } = await driver.apply(next, versions(old, next), soon())
    const live = { ...next, acceptedAt }
    expect(await driver.revoke(old, live, { endSessions: true }, soon())).toEqual({
      sessionsEnded: 1,
    })
    expect(await program.alive()).toBe(false)
    leave()
  }, 30_000)
})
