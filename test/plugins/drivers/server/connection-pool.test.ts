import { afterAll, beforeAll, describe, expect, jest, test } from "bun:test"
import { ActivityScope } from "../../../../src/base/activity-scope.ts"
import type { Credential, Driver } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { mariadb } from "../../../../src/plugins/drivers/mariadb/index.ts"
import { postgres } from "../../../../src/plugins/drivers/postgres/index.ts"
import { redis } from "../../../../src/plugins/drivers/redis/index.ts"
import {
  type PooledConnection,
  ConnectionPool,
} from "../../../../src/plugins/drivers/server/connection-pool.ts"
import { startMariadb } from "../../../support/servers/mariadb.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { type RedisServer, startRedis } from "../../../support/servers/redis.ts"
import { until } from "../../../support/until.ts"
import { session } from "../mariadb/harness.ts"
import { credential, drafted, host, passwordIn, soon, versions } from "../postgres/harness.ts"

/** What an admin logs in once for. */

let server: PostgresServer
let cache: RedisServer
beforeAll(async () => {
  ;[server, cache] = await Promise.all([startPostgres(), startRedis()])
})
afterAll(() => Promise.all([server[Symbol.asyncDispose](), cache[Symbol.asyncDispose]()]))

let count = 0
type World = {
  readonly open: (label: string, role: string, admin?: string, variable?: string) => Driver
  readonly shift: ActivityScope
  readonly admin: string
  readonly reads: string[]
  password: string
}

/**
 * An admin of its own, so that his sessions can be told from those of others; `reads`: which
 * references were read.
 */
async function world(): Promise<World> {
  const admin = `rotator${++count}`
  const password = `pw-of-${admin}`
  await server.sql(`create role ${admin} login superuser password '${password}'`)
  const shift = new ActivityScope()
  const self: World = {
    shift,
    admin,
    password,
    reads: [],
    open: (label, role, user = admin, variable = "X") =>
      postgres.open(
        postgres.options.parse({
          address: `postgresql://127.0.0.1:${server.port}/postgres`,
          role,
          admin: { user, password: { env: variable } },
        }),
        {
          host,
          label,
          owner: "0a1b2c3d4e5f",
          folder: server.folder,
          activity: shift,
          credential: async (reference) => {
            self.reads.push(String(reference["env"]))
            return new Secret("admin", self.password)
          },
        },
      ),
  }
  return self
}

async function newRole(): Promise<{ readonly role: string; readonly old: Credential }> {
  const role = `kept${++count}`
  await server.sql(`create role ${role} login password 'old-password'`)
  return { role, old: credential("v1", { user: role, password: "old-password" }) }
}

/** The admin's sessions: process and name. */
async function sessionsOf(admin: string): Promise<readonly string[]> {
  return (
    await server.sql(
      "select pid || ' ' || application_name as it from pg_stat_activity where usename = " +
        `'${admin}' order by pid`,
    )
  ).map(({ it }) => String(it))
}
const none = (admin: string): Promise<void> =>
  until("no session is left", async () => (await sessionsOf(admin)).length === 0)

test("one that is in use all the time is given up after half a minute all the same", async () => {
  const shift = new ActivityScope()
  const leave = shift.join()
  const standing = new ConnectionPool<PooledConnection>(shift)
  let [opened, closed] = [0, 0]
  const one = (): PooledConnection => ({
    usable: true,
    answers: ++opened,
    bind: () => undefined,
    close: () => void closed++,
  })
  const way = { open: async () => one(), begin: () => undefined, end: async () => undefined }
  const use = (): Promise<void> =>
    standing.use(
      { server: "s", user: "u", password: { env: "X" }, rest: [] },
      way,
      soon(),
      async () => undefined,
    )
  jest.useFakeTimers()
  try {
    for (let at = 0; at < 29; at++) {
      await use()
      jest.advanceTimersByTime(1000)
    }
    expect([opened, closed]).toEqual([1, 0])
    jest.advanceTimersByTime(1000)
    await use()
    await use()
    expect([opened, closed]).toEqual([2, 1])
  } finally {
    jest.useRealTimers()
    leave()
  }
})

describe("PostgreSQL", () => {
  test("one session serves all acts of several secrets while somebody is at work, holds no lock between them, and ends with the last", async () => {
    const { open, shift, admin } = await world()
    const [leave, leaveToo] = [shift.join(), shift.join()]
    const seen = new Set<string>()
    for (const [label, { role, old }] of [
      ["a/one", await newRole()],
      ["b/two", await newRole()],
    ] as const) {
      const driver = open(label, role)
      const next = drafted(driver, "v2")
      expect(await driver.preflight(versions(old), soon())).toEqual([
        expect.objectContaining({ code: "admin-too-powerful" }),
      ])
      const live = { ...next, ...(await driver.apply(next, versions(old, next), soon())) }
      await driver.revokeOthers?.(live, soon())
      expect([await driver.probe(live, soon()), await driver.probe(old, soon())]).toEqual([
        "accepted",
        "refused",
      ])
      for (const one of await sessionsOf(admin)) seen.add(one)
    }
    expect(new Set([...seen].map((one) => one.split(" ")[0])).size).toBe(1)
    expect([...seen]).toEqual([
      expect.stringMatching(/^\d+ mycelium\/a\/one#0a1b2c3d$/),
      expect.stringMatching(/^\d+ mycelium\/b\/two#0a1b2c3d$/),
    ])
    expect(await server.sql(`select 1 from pg_locks where locktype = 'advisory'`)).toEqual([])
    expect(
      await server.sql(
        `select 1 from pg_stat_activity where usename = '${admin}' and (state <> 'idle' or ` +
          "xact_start is not null)",
      ),
    ).toEqual([])
    leave()
    expect(await sessionsOf(admin)).toHaveLength(1)
    leaveToo()
    await none(admin)
  })

  test("none is kept where nobody is at work, nor after a failure, nor after a deadline", async () => {
    const { open, shift, admin } = await world()
    const { role, old } = await newRole()
    const driver = open("a/one", role)
    await driver.preflight(versions(old), soon())
    await none(admin)
    const leave = shift.join()
    const refused = credential("v2", { user: "nobody-of-that-name", password: "x".repeat(24) })
    await expect(driver.apply(refused, versions(), soon())).rejects.toMatchObject({
      code: "account-missing",
    })
    await none(admin)
    await server.session(async (client) => {
      await client.unsafe(`begin; select 1 from pg_authid where rolname = '${role}' for update`)
      await expect(
        driver.apply(drafted(driver, "v2"), versions(old), soon(300)),
      ).rejects.toMatchObject({ code: "timeout" })
      await client.unsafe("rollback")
    })
    await none(admin)
    leave()
  })

  test("one that the server has ended meanwhile is replaced before anything is done", async () => {
    const { open, shift, admin } = await world()
    const leave = shift.join()
    const { role, old } = await newRole()
    const driver = open("a/one", role)
    await driver.preflight(versions(old), soon())
    await server.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${admin}'`,
    )
    expect(await driver.apply(drafted(driver, "v2"), versions(old), soon())).toMatchObject({
      acceptedAt: expect.any(String),
    })
    leave()
  })

  test("the credential is read once for all acts of a session; another reference is another login", async () => {
    const self = await world()
    const leave = self.shift.join()
    const { role, old } = await newRole()
    const driver = self.open("a/one", role)
    await driver.preflight(versions(old), soon())
    await driver.apply(drafted(driver, "v2"), versions(old), soon())
    expect(self.reads).toEqual(["X"])
    self.password = "not-the-password"
    await driver.apply(drafted(driver, "v2"), versions(old), soon())
    await expect(
      self.open("a/one", role, self.admin, "Y").apply(drafted(driver, "v2"), versions(old), soon()),
    ).rejects.toMatchObject({ code: "password-refused" })
    expect(self.reads).toEqual(["X", "Y"])
    leave()
  })

  test("once the admin itself has another password, no session of before is used", async () => {
    const self = await world()
    const leave = self.shift.join()
    const { role, old } = await newRole()
    const driver = self.open("a/one", role)
    await driver.preflight(versions(old), soon())
    expect(await sessionsOf(self.admin)).toHaveLength(1)
    // The admin is a secret too, in the same run.
    const own = postgres.open(
      postgres.options.parse({
        address: `postgresql://127.0.0.1:${server.port}/postgres`,
        role: self.admin,
        admin: { user: server.superuser, password: { env: "X" } },
      }),
      {
        host,
        label: "a/admin",
        owner: "0a1b2c3d4e5f",
        folder: server.folder,
        activity: self.shift,
        credential: async () => new Secret("admin", server.password),
      },
    )
    const next = drafted(own, "v2")
    await own.apply(next, versions(), soon())
    await none(self.admin)
    await expect(driver.settle([old], soon())).rejects.toMatchObject({ code: "password-refused" })
    self.password = passwordIn(next)
    expect(await driver.settle([old], soon())).toBe(true)
    leave()
  })

  test("what waits keeps no process alive", async () => {
    const { role } = await newRole()
    const source = (path: string): string =>
      JSON.stringify(new URL(`../../../../src/${path}`, import.meta.url).pathname)
    const program = `
      const [{ ActivityScope }, { Secret }, { realHost }, { postgres }] = await Promise.all([import(${source("base/activity-scope.ts")}), import(${source("core/secret.ts")}), import(${source("base/system/host.ts")}), import(${source("plugins/drivers/postgres/index.ts")})])
      const [activity, password] = [new ActivityScope(), (await Bun.stdin.text()).trim()]
      activity.join()
      const options = postgres.options.parse({ address: "postgresql://127.0.0.1:${server.port}/postgres", role: "${role}", admin: { user: "${server.superuser}", password: { env: "X" } } })
      const driver = postgres.open(options, { host: realHost({}), label: "a/b", owner: "0a1b2c3d", folder: "/", activity, credential: async () => new Secret("admin", password) })
      console.log((await driver.preflight({ uncertain: [] }, AbortSignal.timeout(5000))).map(({ code }) => code).join(), performance.now())
      process.on("exit", () => console.log(performance.now()))`
    const child = Bun.spawn([process.execPath, "-e", program], {
      stdin: Buffer.from(server.password),
      stdout: "pipe",
      stderr: "pipe",
    })
    const [said, , code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    const [codes, done, ended] = said.trim().split(/\s+/)
    expect({ code, codes }).toEqual({ code: 0, codes: "admin-too-powerful" })
    expect(Number(ended) - Number(done)).toBeLessThan(2000)
  })
})

describe("Redis", () => {
  const open = (shift: ActivityScope, password: () => string): Driver =>
    redis.open(
      redis.options.parse({
        address: `redis://127.0.0.1:${cache.port}`,
        user: "shop",
        admin: { user: cache.admin.user, password: { env: "X" } },
      }),
      {
        host,
        label: "a/cache",
        owner: "0a1b2c3d4e5f",
        folder: cache.folder,
        activity: shift,
        credential: async () => new Secret("admin", password()),
      },
    )
  const clients = async (): Promise<readonly string[]> =>
    String(await cache.command("CLIENT", "LIST"))
      .split("\n")
      .flatMap((line) => line.match(/ name=(mycelium\S*)/)?.[1] ?? [])

  test("one connection serves all acts, with one look at the credential, and ends with the work", async () => {
    await cache.command("ACL", "SETUSER", "shop", "on", ">old-password", "~*", "+@all")
    const shift = new ActivityScope()
    const leave = shift.join()
    let password = cache.admin.password
    const driver = open(shift, () => password)
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
    await cache.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await expect(driver.settle([old], soon())).rejects.toMatchObject({ code: "password-refused" })
    password = cache.admin.password
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
    const shift = new ActivityScope()
    const leave = shift.join()
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
        activity: shift,
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
    const shift = new ActivityScope()
    const leave = shift.join()
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
        activity: shift,
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
