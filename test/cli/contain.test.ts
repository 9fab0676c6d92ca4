import { describe, expect, test } from "bun:test"
import { readFileSync, rmSync } from "node:fs"
import { clientOf, sessionsOf } from "../support/login.ts"
import { json } from "../support/mycelium.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"
import { type Report, containAsJson } from "../support/containment.ts"

/**
 * An intruder holds sessions, and has set a password of their own: what `rotate-now --contain` must
 * end, on real servers.
 */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

/** The program's logins, again and again with what it loaded at its last restart, until `done`. */
async function logins(
  shop: Shop,
  done: Promise<unknown>,
): Promise<{ readonly good: number; readonly failed: number }> {
  let ended = false
  void done.finally(() => (ended = true))
  const count = { good: 0, failed: 0 }
  const loaded = (): string => shop.project.read("api.loaded")
  const value = (key: string): string | undefined =>
    new RegExp(`^${key}=(.*)$`, "m").exec(loaded())?.[1]
  while (!ended) {
    const before = loaded()
    const answer = await shop.service.login({
      user: value("POSTGRES_USER") ?? shop.role,
      password: value("POSTGRES_PASSWORD") ?? value("REDIS_PASSWORD") ?? "",
    })
    // A login that was begun with the former file and ended after the restart is not the program's any more.
    if (answer === "in") count.good++
    else if (loaded() === before) count.failed++
  }
  return count
}

describe("rotate-now --contain", () => {
  test("goes on if a restart program is missing, and says so beforehand", async () => {
    await using shop = await openShop(servers.postgres)
    await shop.adopt()
    const path = shop.project.path("restart-api")
    rmSync(path)
    const warning = `${path} (the restart of production/api) does not exist`
    expect((await shop.run("rotate-now", "production", "--contain", "--dry-run")).stdout).toContain(
      warning,
    )
    const ran = await shop.run("rotate-now", "production", "--contain", "--yes")
    expect(ran.stderr).toContain(warning)
    expect(ran.code).toBe(5)
    expect([await shop.login(shop.old), await shop.login(shop.shown)]).toEqual(["28P01", "in"])
  })

  test("one role: the password that the intruder set is gone, and so is their session", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true })
    await shop.adopt()
    const intruder = clientOf(servers.postgres, shop.role, shop.old)
    await intruder.unsafe("select 1")
    await shop.setPassword("intruders-own-password")
    const ran = await shop.run(...containAsJson)
    expect({ code: ran.code, outcomes: json<Report>(ran).reports[0]?.outcomes }).toEqual({
      code: 0,
      outcomes: { postgres: { kind: "rotated", version: "v2" } },
    } as never)
    expect(json<Report>(ran).reports[0]?.revoked[0]?.death).toMatchObject({
      kind: "dead",
      sessionsEnded: 1,
    })
    expect(await sessionsOf(servers.postgres, shop.role)).toBe(0)
    expect([
      await shop.login(shop.old),
      await shop.login("intruders-own-password"),
      await shop.login(shop.shown),
    ]).toEqual(["28P01", "28P01", "in"])
    await intruder.close().catch(() => undefined)
  })

  test("a pair: both roles lose what the intruder has, and the program sees no failed login", async () => {
    await using shop = await openShop(servers.postgres, { pair: true })
    await shop.adopt()
    const [blue, green] = [`${shop.role}_blue`, `${shop.role}_green`]
    await servers.postgres.sql(
      `alter role ${green} password 'intruders-own-password'; grant pg_signal_backend to ` +
        `${shop.role}_rotator`,
    )
    const intruders = [
      clientOf(servers.postgres, blue, shop.old),
      clientOf(servers.postgres, green, "intruders-own-password"),
    ]
    for (const one of intruders) await one.unsafe("select 1")
    const run = shop.run(...containAsJson)
    const [ran, seen] = await Promise.all([run, logins(shop, run)])
    expect({ out: ran.code === 0 ? "" : ran.stdout, code: ran.code }).toEqual({ out: "", code: 0 })
    expect(json<Report>(ran).reports[0]?.revoked[0]?.death).toMatchObject({
      kind: "dead",
      sessionsEnded: 2,
    })
    expect(seen.failed).toBe(0)
    expect(seen.good).toBeGreaterThan(3)
    await until(
      "the intruder's sessions to be gone",
      async () => (await sessionsOf(servers.postgres, blue)) === 0,
    )
    expect([
      await shop.login(shop.old, blue),
      await shop.login("intruders-own-password", green),
      await shop.service.login(shop.service.shown(shop.project)),
    ]).toEqual(["28P01", "28P01", "in"])
    for (const one of intruders) await one.close().catch(() => undefined)
  })

  test("an admin that may not end sessions: contained for new logins, and the run prints the SQL that lets the same command end them", async () => {
    await using shop = await openShop(servers.postgres, { pair: true })
    await shop.adopt()
    const blue = `${shop.role}_blue`
    const intruder = clientOf(servers.postgres, blue, shop.old)
    await intruder.unsafe("select 1")
    const ran = await shop.run("rotate-now", "production", "--contain", "--incident", "leak-7")
    expect(ran.stdout.trim().split("\n").at(-1)).toMatch(
      /^report {4}mycelium report leak-7( --config \S+)?$/,
    )
    expect({
      code: ran.code,
      hint: ran.stdout.includes(
        `hint: GRANT pg_signal_backend TO "${shop.role}_rotator", then the same again; or as a superuser: `,
      ),
    }).toEqual({ code: 5, hint: true })
    expect([await shop.login(shop.old, blue), await sessionsOf(servers.postgres, blue)]).toEqual([
      "28P01",
      1,
    ])
    const noted = await shop.run("check", "--quick")
    expect(noted.stdout).toMatch(
      /warn {2}sessions-may-live: production\/postgres: contained in leak-7 for new logins only: sessions that were opened before .* may live: /,
    )
    await servers.postgres.sql(`grant pg_signal_backend to ${shop.role}_rotator`)
    const shown = shop.shown
    expect(
      (await shop.run("rotate-now", "production", "--contain", "--incident", "leak-7")).code,
    ).toBe(0)
    expect([await sessionsOf(servers.postgres, blue), shop.shown === shown]).toEqual([0, true])
    expect((await shop.run("check", "--quick")).stdout).not.toContain("sessions-may-live")
    await intruder.close().catch(() => undefined)
  })

  test.each([[[]], [["--revoke-first"]]])(
    "Redis: only one hash is left, and no older connection %p",
    async (more) => {
      await using shop = await openShop(servers.postgres, { redis: servers.redis })
      await shop.adopt()
      await servers.redis.command("ACL", "SETUSER", shop.role, ">intruders-own-password")
      const intruder = await redisSession(shop.role, "intruders-own-password")
      const ran = await shop.run(...containAsJson, ...more)
      expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: "" })
      const lines = (await servers.redis.command("ACL", "LIST")) as readonly string[]
      expect(
        lines
          .find((line) => line.startsWith(`user ${shop.role} `))
          ?.split(" ")
          .filter((word) => word.startsWith("#")),
      ).toHaveLength(1)
      expect(json<Report>(ran).reports[0]?.revoked[0]?.death).toMatchObject({
        kind: "dead",
        sessionsEnded: 1,
      })
      expect(await intruder.closed).toBe("closed")
      expect([
        await shop.login(shop.old),
        await shop.login("intruders-own-password"),
        await shop.service.login(shop.service.shown(shop.project)),
      ]).toEqual(["WRONGPASS", "WRONGPASS", "in"])
    },
  )

  test("the same incident does nothing twice; the log and the state name it", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true, two: true })
    await shop.adopt()
    expect((await shop.run(...containAsJson)).code).toBe(0)
    const shown = shop.shown
    const again = await shop.run(...containAsJson)
    expect({ code: again.code, before: json<Report>(again).reports[0]?.before }).toEqual({
      code: 0,
      before: ["postgres", "session_key"],
    })
    expect(shop.shown).toBe(shown)
    const events = readFileSync(shop.project.auditPath(), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly event: string; readonly incident?: string })
    expect(
      events.filter(({ incident }) => incident === "leak-7").map(({ event }) => event),
    ).toEqual([
      "contain",
      "generate",
      "generate",
      "verify",
      "verify",
      "restart",
      "restart",
      "promote",
      "promote",
      "revoke",
    ])
    const third = await shop.run("rotate-now", "production", "--contain", "--json")
    expect({ code: third.code, changed: shop.shown !== shown }).toEqual({ code: 0, changed: true })
  })

  test("a rotation that is under way lets go between two steps, and nothing of it is lost", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true })
    await shop.adopt()
    // A health check that never says yes keeps the first run busy; the second one must not wait for its end.
    shop.project.script("health-api", "[ ! -e busy ] || exit 1", "cmp -s .env api.loaded")
    const config = JSON.parse(shop.project.read("mycelium.yaml")) as {
      environments: { production: { deployments: { api: { healthy: { within: string } } } } }
    }
    config.environments.production.deployments.api.healthy.within = "60s"
    shop.project.configure(config)
    shop.project.script("restart-api", "cp .env api.loaded", "[ -e contained ] || touch busy")
    const first = shop.run("rotate-now", "production", "--json")
    await until("the first run to wait for health", () => shop.project.has("busy"))
    shop.project.write("contained", "")
    const began = performance.now()
    const second = shop.run(...containAsJson)
    await first
    const waited = performance.now() - began
    shop.project.script("health-api", "cmp -s .env api.loaded")
    const ran = await second
    expect({ code: ran.code, waited: waited < 5000 ? "under 5 s" : waited }).toEqual({
      code: 0,
      waited: "under 5 s",
    })
    // It lets go while its program is cut off: that is named, and the other run has finished it.
    expect((await first).code).toBe(7)
    expect(json<Report>(ran).reports[0]?.outcomes["postgres"]).toEqual({
      kind: "rotated",
      version: "v3",
    } as never)
    expect([await shop.login(shop.old), await shop.login(shop.shown)]).toEqual(["28P01", "in"])
  })

  test("contradictions are refused", async () => {
    await using shop = await openShop(servers.postgres)
    for (const args of [
      ["--contain", "--new"],
      ["--contain", "--wait", "1m"],
      ["--revoke-first"],
      ["--contain", "--incident", "a b"],
    ]) {
      const { code } = await shop.run("rotate-now", "production", ...args)
      expect({ args, code }).toEqual({ args, code: 2 })
    }
  })
})

/** A connection that stays open: "closed" once the server has ended it. */
async function redisSession(
  user: string,
  password: string,
): Promise<{ readonly closed: Promise<string> }> {
  const ready = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<string>()
  await Bun.connect({
    hostname: "127.0.0.1",
    port: servers.redis.port,
    socket: {
      open: (socket) => void socket.write(`AUTH ${user} ${password}\r\n`),
      data: (_, bytes) =>
        bytes.toString().startsWith("+OK")
          ? ready.resolve()
          : ready.reject(new Error("not let in")),
      close: () => closed.resolve("closed"),
    },
  })
  await ready.promise
  return { closed: closed.promise }
}
