import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { login } from "../support/login.ts"
import { binary } from "../support/mycelium.ts"
import { type Relay, startRelay } from "../support/relay.ts"
import { stateOf, versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { startStandby } from "../support/servers/postgres-standby.ts"
import { type RedisServer, startRedis } from "../support/servers/redis.ts"
import { type Shop, type ShopOptions, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/**
 * A server that is slow, silent, cut off or not the one it was, while the binary is killed: nothing
 * is lost, and no older value lands late. That an ALTER ROLE of a dead client is ended, and a
 * SETUSER never carried out, drivers show in their own tests.
 */

let server: PostgresServer
let redis: RedisServer
beforeAll(async () => {
  ;[server, redis] = await Promise.all([startPostgres(), startRedis()])
})
afterEach(() => redis.signal("SIGCONT"))
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
})

/** What a client sends to make a value accepted; a preflight only asks whether it may. */
const changes = {
  PostgreSQL: /ALTER ROLE/,
  Redis: /^\*4\r\n\$3\r\nACL\r\n\$7\r\nSETUSER\r\n[^#]*#/,
} as const
const command = ["rotate-now", "production"]

/** The binary under way, to be killed. */
function begin({ project }: Shop, args: readonly string[] = command) {
  const child = Bun.spawn([binary, ...args], {
    cwd: project.folder,
    env: project.environment,
    stdio: ["ignore", "ignore", "ignore"],
  })
  return {
    kill: async () => (child.kill("SIGKILL"), void (await child.exited)),
    ended: child.exited,
  }
}
const waiting = async (user: string, kind: string, on = server): Promise<readonly unknown[]> =>
  (
    await on.sql(
      `select pid from pg_stat_activity where usename = '${user}' and (wait_event_type = ` +
        `'${kind}' or wait_event = '${kind}')`,
    )
  ).map((row) => row["pid"])

/** The file, the program and the service agree on one value, which is the state's; all others are refused. */
async function expectRest(shop: Shop, stages: readonly string[]): Promise<void> {
  const { project, service, role } = shop
  const versions = await versionsOf(project, service.secret)
  expect(versions.map(({ id, stage }) => `${id} ${stage}`)).toEqual([...stages])
  expect((await stateOf(project))?.changeSet).toBeUndefined()
  expect(project.read("api.loaded")).toBe(project.read(".env"))
  for (const { stage, password = "" } of versions) {
    expect(await service.login({ user: role, password })).toBe(
      stage === "current" ? "in" : service.refusal,
    )
    if (stage === "current") expect(service.shown(project).password).toBe(password)
  }
}

/** A shop whose service is reached through a relay. */
async function behind(
  relay: Relay,
  on: { readonly port: number },
  options: ShopOptions & { readonly server?: PostgresServer },
): Promise<Shop> {
  const shop = await openShop(options.server ?? server, options)
  const { project } = shop
  project.write(
    "mycelium.yaml",
    project.read("mycelium.yaml").replaceAll(`127.0.0.1:${on.port}`, `127.0.0.1:${relay.port}`),
  )
  await shop.adopt()
  return shop
}

describe("a row lock on the role holds up ALTER ROLE, the binary is killed", () => {
  test.each([
    ["the role itself", {}, ""],
    ["an admin", { admin: true }, "_admin"],
  ] as const)(
    "and the lock goes once the recovery waits for it too: one value, the same, nothing later (%s)",
    async (_, options, suffix) => {
      await using shop = await openShop(server, options)
      const { role } = shop
      await shop.adopt()
      const user = `${role}${suffix}`
      let recovery: ReturnType<typeof begin> | undefined
      await server.session(async (client) => {
        await client.unsafe(`begin; select 1 from pg_authid where rolname = '${role}' for update`)
        const first = begin(shop)
        await until("its statement waits", async () => (await waiting(user, "Lock")).length === 1)
        const [old] = await waiting(user, "Lock")
        await first.kill()
        expect(await waiting(user, "Lock")).toEqual([old])
        recovery = begin(shop)
        await until("the statement of the dead is ended, that of the recovery waits", async () => {
          const now = await waiting(user, "Lock")
          return now.length === 1 && now[0] !== old
        })
        await client.unsafe("rollback")
      })
      expect(await recovery?.ended).toBe(0)
      await expectRest(shop, ["v1 retired", "v2 current"])
      // A session outlives its client by a moment.
      await until(
        "no session of ours is left",
        async () =>
          (await server.sql(`select 1 from pg_stat_activity where usename = '${user}'`)).length ===
          0,
      )
    },
    60_000,
  )
})

describe("a row lock on a pair's old role holds up its revoke, the binary is killed", () => {
  test("and the recovery ends what is left of it before it asks for the same: nothing lands later", async () => {
    await using shop = await openShop(server, { pair: true })
    const { role, service } = shop
    await shop.adopt()
    const [admin, blue] = [`${role}_rotator`, `${role}_blue`]
    let recovery: ReturnType<typeof begin> | undefined
    await server.session(async (client) => {
      await client.unsafe(`begin; select 1 from pg_authid where rolname = '${blue}' for update`)
      const first = begin(shop)
      await until("its revoke waits", async () => (await waiting(admin, "Lock")).length === 1)
      const [old] = await waiting(admin, "Lock")
      await first.kill()
      expect(await waiting(admin, "Lock")).toEqual([old])
      expect(
        (await versionsOf(shop.project, "postgres")).map(({ id, stage }) => `${id} ${stage}`),
      ).toEqual(["v1 previous", "v2 current"])
      recovery = begin(shop, ["run", "--once"])
      await until("the revoke of the dead is ended, that of the recovery waits", async () => {
        const now = await waiting(admin, "Lock")
        return now.length === 1 && now[0] !== old
      })
      await client.unsafe("rollback")
    })
    expect(await recovery?.ended).toBe(0)
    expect(
      (await versionsOf(shop.project, "postgres")).map(({ id, stage }) => `${id} ${stage}`),
    ).toEqual(["v1 retired", "v2 current"])
    expect([
      await service.login({ user: blue, password: shop.old }),
      await service.login(service.shown(shop.project)),
    ]).toEqual(["28P01", "in"])
  }, 60_000)
})

describe("a synchronous standby that is gone holds up the commit", () => {
  test("the binary is killed, and what was committed here already is found and carried on", async () => {
    await using other = await startPostgres()
    await using shop = await openShop(other, { admin: true })
    const { role } = shop
    await shop.adopt()
    await other.sql("alter system set synchronous_standby_names = 'gone'")
    await other.reload()
    const first = begin(shop)
    await until(
      "the commit waits for the standby",
      async () => (await waiting(`${role}_admin`, "SyncRep", other)).length === 1,
    )
    await first.kill()
    const again = await shop.run(...command)
    expect(again.stdout).toContain("production/postgres: rotated, v2 is current")
    expect(again.code).toBe(0)
    await expectRest(shop, ["v1 retired", "v2 current"])
  }, 60_000)
})

describe("Redis stands still while a SETUSER is on its way, the binary is killed", () => {
  test.each([
    ["before", false],
    ["after", true],
  ] as const)(
    "and it moves on %s the recovery has begun",
    async (_, early) => {
      await using relay = await startRelay(redis.port)
      await using shop = await behind(relay, redis, { redis })
      let [sent, logins] = [0, 0]
      relay.watch((bytes) => {
        // Who listens is asked before a password goes out.
        if (bytes.includes("AUTH") || bytes.includes("PING")) logins++
        if (!changes.Redis.test(bytes)) return "pass"
        if (sent++ === 0) redis.signal("SIGSTOP")
        return "pass"
      })
      const first = begin(shop)
      await until("SETUSER is on its way", () => sent === 1)
      expect(
        (await versionsOf(shop.project, "redis")).map(({ id, stage }) => `${id} ${stage}`),
      ).toEqual(["v1 current", "v2 pending"])
      await first.kill()
      if (!early) redis.signal("SIGCONT")
      const before = logins
      const recovery = begin(shop)
      if (early) {
        await until("the recovery wants to log in", () => logins > before)
        redis.signal("SIGCONT")
      }
      expect(await recovery.ended).toBe(0)
      await expectRest(shop, ["v1 retired", "v2 current"])
    },
    60_000,
  )
})

describe("the reply is lost after the change has been made", () => {
  test.each(["PostgreSQL", "Redis"] as const)(
    "%s: it is asked, and goes on with the same value",
    async (which) => {
      const isRedis = which === "Redis"
      const port = isRedis ? redis.port : server.port
      await using relay = await startRelay(port)
      await using shop = await behind(relay, { port }, isRedis ? { redis } : { admin: true })
      let lost = 0
      relay.watch((bytes) => (changes[which].test(bytes) && lost++ === 0 ? "lose" : "pass"))
      const ran = await shop.run(...command)
      expect(ran.stdout).toContain("rotated, v2 is current")
      expect(ran.code).toBe(0)
      expect(lost).toBeGreaterThan(0)
      await expectRest(shop, ["v1 retired", "v2 current"])
    },
    60_000,
  )
})

describe("a server that takes no change", () => {
  test("because it is a standby, or read-only, is found before any value exists", async () => {
    await using primary = await startPostgres({
      config: { max_wal_senders: "5", wal_level: "replica" },
    })
    await using relay = await startRelay(primary.port)
    await using shop = await behind(relay, primary, { server: primary, admin: true })
    await using standby = await startStandby(primary)
    relay.to(standby.port)
    const recovering = await shop.run(...command)
    expect(recovering.stdout).toContain(
      "the server is a standby and takes no changes (read-only-server)",
    )
    relay.to(primary.port)
    await primary.sql("alter system set default_transaction_read_only = on")
    await primary.reload()
    const readOnly = await shop.run(...command)
    expect(readOnly.stdout).toContain("(read-only-server)")
    expect([recovering.code, readOnly.code]).toEqual([1, 1])
    expect(
      (await versionsOf(shop.project, "postgres")).map(({ id, stage }) => `${id} ${stage}`),
    ).toEqual(["v1 current"])
  }, 60_000)
})

describe("a standby that had not replayed the change takes over", () => {
  async function failover(
    act: (
      shop: Shop,
      over: () => Promise<void>,
      loginAt: (password: string) => Promise<string>,
    ) => Promise<void>,
  ): Promise<void> {
    await using primary = await startPostgres({
      config: { max_wal_senders: "5", wal_level: "replica" },
    })
    await using relay = await startRelay(primary.port)
    await using shop = await behind(relay, primary, { server: primary, admin: true })
    await using standby = await startStandby(primary)
    await until(
      "the role is there",
      async () =>
        (await standby.sql(`select 1 from pg_roles where rolname = '${shop.role}_admin'`))
          .length === 1,
    )
    // Paused replay would not do: a promotion replays all that has arrived.
    await standby.sql("alter system set primary_conninfo = ''")
    await standby.reload()
    await until(
      "it hears no more",
      async () => (await standby.sql("select 1 from pg_stat_wal_receiver")).length === 0,
    )
    const over = async (): Promise<void> => {
      await primary.stop("immediate")
      await standby.sql("select pg_promote()")
      relay.to(standby.port)
    }
    await act(shop, over, (password) => login(standby, shop.role, password))
  }

  test("after the rotation: the value of before lives, reconcile makes it current", async () => {
    await failover(async (shop, over, loginAt) => {
      expect((await shop.run(...command)).code).toBe(0)
      await over()
      expect(await loginAt(shop.old)).toBe("in")
      const ran = await shop.run("reconcile", "production")
      expect(ran.stdout).toContain(
        "production/postgres: the service accepts v1, not v2: it is current",
      )
      expect(ran.code).toBe(0)
      expect(shop.shown).toBe(shop.old)
    })
  }, 90_000)

  test("in the middle of one that was killed: the same value is applied again, though it had been proven", async () => {
    await failover(async (shop, over, loginAt) => {
      shop.project.script(
        "restart-api",
        'if [ ! -e once ]; then touch once; kill -9 "$PPID"; fi',
        "cp .env api.loaded",
      )
      expect((await shop.run(...command)).signal).toBe("SIGKILL")
      const made = shop.shown
      expect(made).not.toBe(shop.old)
      await over()
      expect([await loginAt(shop.old), await loginAt(made)]).toEqual(["in", "28P01"])
      const again = await shop.run(...command)
      expect(again.stdout).toContain("production/postgres: rotated, v2 is current")
      expect(again.code).toBe(0)
      expect([await loginAt(shop.old), await loginAt(made), shop.shown]).toEqual([
        "28P01",
        "in",
        made,
      ])
    })
  }, 90_000)
})
