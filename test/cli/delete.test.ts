import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { type Project, layOut } from "../support/mycelium.ts"
import { auditFaults, stateOf, versionsOf } from "../support/sealed.ts"
import { bun } from "../support/running.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { configOf, openShop } from "../support/shop.ts"
import { program } from "../plugins/drivers/exec/harness.ts"
import { KeyService } from "../plugins/drivers/exec/key-service.ts"

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

/** The events of the audit log since the first of a deletion. */
function events(project: Project): readonly string[] {
  const all = readFileSync(project.auditPath(), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly event: string }).event)
  return all.slice(all.findIndex((event) => event.startsWith("delete")))
}

describe("mycelium delete", () => {
  test("--dry-run says the same, and ends as a dry run does", async () => {
    await using shop = await openShop(server, { generatedOnly: true })
    await shop.adopt()
    const before = readFileSync(shop.project.statePath())
    const look = await shop.run("delete", "production", "--dry-run")
    expect({ code: look.code, said: look.stdout + look.stderr }).toEqual({
      code: 0,
      said: expect.stringContaining("nothing was changed: --yes does it"),
    })
    expect((await shop.run("delete", "production", "--dry-run", "--yes")).code).toBe(2)
    expect(readFileSync(shop.project.statePath()).equals(before)).toBe(true)
  })

  test("without --yes says what it would do, ends with 2, and changes nothing", async () => {
    await using shop = await openShop(server, { admin: true })
    await shop.adopt()
    const before = shop.project.snapshot()
    const { stdout, stderr, code } = await shop.run("delete", "production/postgres")
    expect(stdout).toContain("Would erase production/postgres, for good:")
    expect(stdout).toContain("1 login    the login ends, proven by a refused one")
    expect(stdout).toContain(`2 outputs  ${shop.project.path(".env")}: without POSTGRES_PASSWORD`)
    expect(stdout).toContain("3 state    1 version;")
    expect(stderr).toContain("nothing was changed: add --yes")
    expect(code).toBe(2)
    expect(shop.project.snapshot()).toEqual(before)
    expect(await shop.login(shop.old)).toBe("in")
  })

  test("ends the login, takes the lines, erases every version, and can be told again", async () => {
    await using shop = await openShop(server, { admin: true })
    const { project } = shop
    await shop.adopt()
    await shop.run("rotate-now", "production")
    const [old, now] = [shop.old, shop.shown]
    const others = project.read(".env").replace(/^POSTGRES_PASSWORD=.*\n/m, "")
    const { stdout, code } = await shop.run("delete", "production", "--yes")
    expect(stdout).toContain(
      "production/postgres: erased: its login is refused; sessions that are open stay open; " +
        `gone from ${project.path(".env")}; 2 versions gone from the state`,
    )
    expect(code).toBe(0)
    expect([await shop.login(now), await shop.login(old)]).toEqual(["28P01", "28P01"])
    expect(project.read(".env")).toBe(others)
    expect(await versionsOf(project, "postgres")).toEqual([])
    expect(readFileSync(project.statePath(), "utf8")).not.toContain("AGE ENCRYPTED")
    expect(events(project)).toEqual(["delete-begin", "delete"])
    expect(auditFaults(project)).toEqual([])
    const again = await shop.run("delete", "production", "--yes")
    expect(again.stdout).toBe("production/postgres: nothing of it is in the state\n")
    expect(again.code).toBe(0)
    expect((await shop.run("status")).code).toBe(0)
    expect((await shop.run("rotate-now", "production")).stdout).toContain(
      "without a value, left alone: postgres",
    )
    // A number is never used again.
    expect((await shop.run("rotate-now", "production", "--new")).stdout).toContain(
      "rotated, v3 is current",
    )
  }, 60_000)

  test("refuses a login that it cannot end, unless the login may stay", async () => {
    await using shop = await openShop(server)
    await shop.adopt()
    const before = shop.project.snapshot()
    const refused = await shop.run("delete", "production/postgres", "--yes")
    expect(refused.stdout).toContain(
      "NOT erased: its login cannot be ended with what the config gives (delete-no-admin)",
    )
    expect(refused.stdout).toContain("--keep-login")
    expect(refused.code).toBe(1)
    expect(shop.project.snapshot()).toEqual(before)
    const kept = await shop.run("delete", "production/postgres", "--yes", "--keep-login")
    expect(kept.stdout).toContain("its login stays as it is")
    expect(kept.code).toBe(0)
    expect(await shop.login(shop.old)).toBe("in")
    expect(await versionsOf(shop.project, "postgres")).toEqual([])
    expect(shop.project.read(".env")).not.toContain("POSTGRES_PASSWORD")
  })

  test("touches neither outputs nor state while the service cannot prove the death", async () => {
    await using shop = await openShop(server, { admin: true })
    const { project } = shop
    await shop.adopt()
    project.write("admin.password", "wrong\n")
    const failed = await shop.run("delete", "production", "--yes")
    expect(failed.stdout).toContain("NOT erased")
    expect(failed.code).toBe(1)
    expect(shop.shown).toBe(shop.old)
    expect(await versionsOf(project, "postgres")).toHaveLength(1)
    expect(await shop.login(shop.old)).toBe("in")
  })

  test("finishes what was cut off after the login had ended, and after the file was gone", async () => {
    for (const cut of ["login", "outputs"] as const) {
      await using shop = await openShop(server, { admin: true })
      const { project } = shop
      await shop.adopt()
      await server.sql(`alter role ${shop.role} password null`)
      if (cut === "outputs")
        project.write(".env", project.read(".env").replace(/^POSTGRES_PASSWORD=.*\n/m, ""))
      const { stdout, code } = await shop.run("delete", "production/postgres", "--yes")
      expect(stdout).toContain("erased: its login is refused")
      expect(code).toBe(0)
      expect(await versionsOf(project, "postgres")).toEqual([])
      expect(project.read(".env")).not.toContain("POSTGRES_PASSWORD")
    }
  }, 60_000)

  test("comes through a kill at any moment: the same command finishes it", async () => {
    let wholeMs = 0
    // The first one is not killed: it tells how long a deletion takes here.
    for (const part of [100, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) {
      await using shop = await openShop(server, { admin: true })
      await shop.adopt()
      const { ms } = await shop.project.mycelium(["delete", "production", "--yes"], {
        withinMs: part * (wholeMs || 1000),
      })
      wholeMs ||= ms
      const { code } = await shop.run("delete", "production", "--yes")
      expect(code).toBe(0)
      expect(await shop.login(shop.old)).toBe("28P01")
      expect(await versionsOf(shop.project, "postgres")).toEqual([])
      expect(shop.project.read(".env")).not.toContain(shop.old)
      expect(auditFaults(shop.project)).toEqual([])
    }
  }, 120_000)

  test("leaves a value that only the file holds, and the login with it", async () => {
    await using shop = await openShop(server, { admin: true })
    await shop.adopt()
    shop.project.write(".env", "POSTGRES_PASSWORD=somebody-elses.own.value\n")
    const { stdout, code } = await shop.run("delete", "production", "--yes")
    expect(stdout).toContain("(output-drift)")
    expect(stdout).not.toContain("somebody-elses.own.value")
    expect(code).toBe(1)
    expect(await shop.login(shop.old)).toBe("in")
  })

  test("erases one of two secrets, also one that the config no longer names", async () => {
    await using shop = await openShop(server, { admin: true, two: true })
    const { project } = shop
    await shop.adopt()
    expect((await shop.run("delete", "production/session_key", "--yes")).stdout).toContain(
      "session_key: erased: no service asks for it",
    )
    // It was there before, with the lines of others: it gets empty, and stays.
    expect(project.read("session.env")).toBe("")
    expect(await versionsOf(project, "postgres")).toHaveLength(1)
    const { environments, ...rest } = configOf(shop)
    const {
      secrets: _,
      outputs: __,
      deployments: ___,
      ...production
    } = environments["production"] ?? {}
    project.configure({
      ...rest,
      environments: { production: { ...production, secrets: { session_key: "generated" } } },
    })
    const orphan = await shop.run("delete", "production", "--yes")
    expect(orphan.stdout).toContain("(delete-no-driver)")
    expect(orphan.code).toBe(1)
    expect((await shop.run("delete", "production/postgres", "--yes", "--keep-login")).code).toBe(0)
    expect(
      Object.values((await stateOf(project))?.secrets ?? {}).flatMap(({ versions }) => versions),
    ).toEqual([])
  }, 60_000)

  test("ends a Redis user's login, and one that a program keeps", async () => {
    await using redis = await startRedis({ acl: ["shop on >old-redis.Password1 ~* +@all"] })
    await using service = await KeyService.start(2)
    const project = await layOut(
      { ".env": "REDIS_PASSWORD=old-redis.Password1\n" },
      {
        project: "shop",
        environments: {
          production: {
            rotate_every: "90d",
            secrets: {
              redis: {
                address: `redis://127.0.0.1:${redis.port}`,
                user: "shop",
                admin: { user: redis.admin.user, password: { file: "admin" } },
                grace: "1h",
              },
              key: {
                driver: "exec",
                holds: "two",
                command: [bun, program],
                env: { SERVICE: service.url },
                grace: "0s",
              },
            },
            outputs: [
              {
                dotenv: ".env",
                merge: true,
                variables: { REDIS_PASSWORD: "{{ redis.password }}" },
              },
              { dotenv: "key.env", variables: { KEY: "{{ key.password }}" } },
            ],
          },
        },
      },
    )
    await using _ = project
    project.write("admin", `${redis.admin.password}\n`)
    await project.mycelium(["init"])
    await project.mycelium(["adopt", "production"])
    await project.mycelium(["rotate-now", "production/key", "--new"])
    await project.mycelium(["rotate-now", "production", "--no-wait"])
    const now = project.variable("REDIS_PASSWORD")
    expect(await redis.commandAs({ user: "shop", password: now }, "PING")).toBe("PONG")
    const { stdout, code } = await project.mycelium(["delete", "production", "--yes"])
    expect(stdout).toContain("production/redis: erased: its login is refused")
    expect(stdout).toContain("production/key: erased: its login is refused")
    expect(code).toBe(0)
    for (const password of [now, "old-redis.Password1"])
      await expect(redis.commandAs({ user: "shop", password }, "PING")).rejects.toThrow("WRONGPASS")
    expect([...service.users]).toEqual([["app", []]])
    expect([project.has(".env"), project.has("key.env")]).toEqual([true, false])
  }, 60_000)

  test("takes one environment or one secret, and nothing else", async () => {
    await using project = await layOut(
      {},
      {
        project: "shop",
        environments: {
          production: { rotate_every: "90d", secrets: { session_key: "generated" } },
        },
      },
    )
    await project.mycelium(["init"])
    for (const args of [
      [],
      ["staging"],
      ["production/none"],
      ["production/"],
      ["production/a/b"],
      ["production", "production"],
      ["--yes"],
    ]) {
      expect([args, (await project.mycelium(["delete", ...args])).code]).toEqual([args, 2])
    }
  })
})
