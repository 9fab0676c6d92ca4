import { describe, expect, test } from "bun:test"
import { clientOf } from "../support/login.ts"
import { json, modeOf } from "../support/mycelium.ts"
import { auditFaults, versionsOf } from "../support/sealed.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { firstKey, openShop } from "../support/shop.ts"
import { serversOfFile } from "../support/servers-of-file.ts"

const servers = serversOfFile({ postgres: startPostgres })

type Status = {
  readonly environments: readonly {
    readonly secrets: readonly {
      readonly name: string
      readonly version: string
      readonly stage: string
      readonly attention: boolean
    }[]
  }[]
}

describe("mycelium, from an existing .env to a rotated password", () => {
  test("adopts, says what it would do, rotates, and shows the result", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    expect(await versionsOf(project, "postgres")).toEqual([
      { id: "v1", stage: "current", password: shop.old },
    ])

    const before = project.snapshot()
    const dry = await shop.run("rotate-now", "production", "--dry-run")
    expect(dry.stdout).toContain("Would rotate 1 secret of production. Nothing was changed.")
    expect(dry.stdout).toContain(`ALTER ROLE ${shop.role} (verifier)`)
    expect(dry.code).toBe(0)
    expect(project.snapshot()).toEqual(before)
    expect(await shop.login(shop.old)).toBe("in")

    const rotated = await shop.run("rotate-now", "production", "--reason", "a test")
    expect(rotated.stdout).toContain("production/postgres: rotated, v2 is current")
    expect(rotated.stdout).toContain("production/postgres: v1 is revoked, its login is refused")
    expect(rotated.code).toBe(0)
    expect(shop.shown).not.toBe(shop.old)
    expect([await shop.login(shop.shown), await shop.login(shop.old)]).toEqual(["in", "28P01"])
    expect(project.read("api.loaded")).toBe(project.read(".env"))
    expect(project.read("api.log")).toBe("restarted\n")
    expect(await versionsOf(project, "postgres")).toEqual([
      { id: "v1", stage: "retired", password: shop.old },
      { id: "v2", stage: "current", password: shop.shown },
    ])
    expect(auditFaults(project)).toEqual([])

    const status = await shop.run("status", "--json")
    expect(json<Status>(status).environments[0]?.secrets[0]).toMatchObject({
      name: "postgres",
      version: "v2",
      attention: false,
    })
    expect(status.code).toBe(0)
  })

  test("keeps every other line of a merged file, its comments and quotes, and makes it private", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    const rest = (): string => project.read(".env").replace(/^POSTGRES_PASSWORD=.*$/m, "")
    const before = rest()
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    expect(rest()).toBe(before)
    expect(modeOf(project.path(".env"))).toBe("0600")
  })

  test("rotates two secrets in one change set, each program restarted once", async () => {
    await using shop = await openShop(servers.postgres, { two: true })
    const { project } = shop
    await shop.adopt()
    const { code, stdout } = await shop.run("rotate-now", "production")
    expect(stdout).toContain("production/session_key: rotated, v2 is current")
    expect(code).toBe(0)
    expect(project.variable("SESSION_KEY", "session.env")).not.toBe(firstKey)
    expect([project.read("api.log"), project.read("web.log")]).toEqual([
      "restarted\n",
      "restarted\n",
    ])
    expect([await shop.login(shop.shown), await shop.login(shop.old)]).toEqual(["in", "28P01"])
  })

  test("rotates one secret alone if it is named, and does not restart the other's program", async () => {
    await using shop = await openShop(servers.postgres, { two: true })
    await shop.adopt()
    expect((await shop.run("rotate-now", "production/session_key")).code).toBe(0)
    expect(shop.shown).toBe(shop.old)
    expect([shop.project.has("api.log"), shop.project.read("web.log")]).toEqual([
      false,
      "restarted\n",
    ])
  })

  test("makes a first value with --new, by an admin, if the role has none", async () => {
    await using shop = await openShop(servers.postgres, { admin: true, empty: true })
    expect((await shop.run("init")).code).toBe(0)
    const asked = await shop.run("rotate-now", "production")
    expect(asked.stdout).toContain("without a value, left alone: postgres")
    expect(asked.code).toBe(1)
    const { stdout, code } = await shop.run("rotate-now", "production", "--new")
    expect(stdout).toContain("production/postgres: rotated, v1 is current")
    expect(code).toBe(0)
    expect(await shop.login(shop.shown)).toBe("in")
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
  })

  test("ends sessions of the old value if the config says so", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true })
    await shop.adopt()
    const client = clientOf(servers.postgres, shop.role, shop.old)
    await client.unsafe("select 1")
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    expect(
      await servers.postgres.sql(
        `select count(*)::int as n from pg_stat_activity where usename = '${shop.role}' and ` +
          "application_name not like 'mycelium%'",
      ),
    ).toEqual([{ n: 0 }])
    await client.close({ timeout: 0 }).catch(() => undefined)
  })
})
