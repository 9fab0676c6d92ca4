import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { openSets } from "../../src/core/change-set.ts"
import { binary } from "../support/mycelium.ts"
import { auditFaults, stateOf } from "../support/sealed.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"
import { clear, keep, reconcile, rotated, show, stages } from "../support/reconcile.ts"
import { serversOfFile } from "../support/servers-of-file.ts"

/**
 * A backup of the server was put back: reconcile finds which value lives, and makes it the current
 * one.
 */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

describe("reconcile, after a backup of the server was put back", () => {
  test.each([
    ["without an admin", {}],
    ["with one", { admin: true }],
  ] as const)(
    "makes the value that lives current, %s: files, programs, log, and the old one is due soon",
    async (_, options) => {
      await using shop = await openShop(servers.postgres, options)
      const { project } = shop
      await shop.adopt()
      const backup = await keep(shop)
      const second = await rotated(shop)
      const third = await rotated(shop)
      await backup()
      expect([
        await shop.login(shop.old),
        await shop.login(second),
        await shop.login(third),
      ]).toEqual(["in", "28P01", "28P01"])

      const before = project.snapshot()
      const dry = await clear(shop, await shop.run(...reconcile, "--dry-run"))
      expect(dry.stdout).toContain(
        "production/postgres: the service accepts v1, not v3: it would become current",
      )
      expect(dry.code).toBe(0)
      expect(project.snapshot()).toEqual(before)

      const ran = await clear(shop, await shop.run(...reconcile))
      expect(ran.stdout).toContain(
        "production/postgres: the service accepts v1, not v3: it is current; " +
          `written: ${project.path(".env")}; restarted: api`,
      )
      expect(ran.code).toBe(0)
      expect(shop.shown).toBe(shop.old)
      expect(project.read("api.loaded")).toBe(project.read(".env"))
      expect(await stages(shop)).toEqual(["v1 current", "v2 retired", "v3 retired"])
      const state = (await stateOf(project))?.secrets["postgres"]
      expect(state?.rotatedAt).toBe(state?.versions[0]?.madeAt)
      // Its age is still unknown.
      expect((await shop.run("status")).stdout).toMatch(
        /postgres +postgres +v1 +≥ .*adopted, its age is unknown/,
      )
      expect((await shop.run("audit", "--json", "--secret", "postgres")).stdout).toContain(
        '"event":"reconcile"',
      )
      expect(auditFaults(project)).toEqual([])
      expect((await shop.run("audit", "verify")).code).toBe(0)

      const again = await shop.run(...reconcile)
      expect(again.stdout).toContain("production/postgres: v1 is current")
      expect(again.code).toBe(0)
      expect(await rotated(shop)).not.toBe(shop.old)
      expect(await stages(shop)).toEqual(["v1 retired", "v2 retired", "v3 retired", "v4 current"])
    },
    60_000,
  )

  test("of a pair: finds the role and its password, and does not take away the only login that works", async () => {
    await using shop = await openShop(servers.postgres, { pair: true })
    const { project, service } = shop
    await shop.adopt()
    const first = service.shown(project)
    const backup = await keep(shop)
    await rotated(shop)
    await backup()
    const ran = await clear(shop, await shop.run(...reconcile))
    expect(ran.stdout).toContain(
      "production/postgres: the service accepts v1, not v2: it is current",
    )
    expect(ran.code).toBe(0)
    expect(service.shown(project)).toEqual(first)
    expect(await service.login(first)).toBe("in")
    await rotated(shop)
  }, 60_000)

  test("of Redis: an older password that lives again beside the current one is revoked, and proven dead", async () => {
    await using shop = await openShop(servers.postgres, { redis: servers.redis })
    const { project, role, service } = shop
    await shop.adopt()
    await rotated(shop)
    await servers.redis.command("ACL", "SETUSER", role, `>${shop.old}`)
    expect(await service.login({ user: role, password: shop.old })).toBe("in")
    const ran = await clear(shop, await shop.run(...reconcile))
    expect(ran.stdout).toContain(
      "production/redis: v2 is current, but v1 is accepted again and will be revoked",
    )
    expect(ran.stdout).toContain("production/redis: v1 is revoked, its login is refused")
    expect(ran.code).toBe(0)
    expect(await service.login({ user: role, password: shop.old })).toBe(service.refusal)
    expect(await service.login(service.shown(project))).toBe("in")
  }, 60_000)

  test("says that the outputs show the value already, and restarts nothing", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    const env = project.read(".env")
    await rotated(shop)
    await shop.setPassword(shop.old)
    project.write(".env", env)
    project.write("api.loaded", env)
    project.write("api.log", "")
    const ran = await shop.run(...reconcile)
    expect(ran.stdout).toContain(
      "the service accepts v1, not v2: it is current; the outputs show it already",
    )
    expect(ran.code).toBe(0)
    expect(project.read("api.log")).toBe("")
    expect(await stages(shop)).toEqual(["v1 current", "v2 retired"])
  })

  test("says which files differ if the current value is accepted, and writes none", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    const env = project.read(".env")
    await rotated(shop)
    project.write(".env", env)
    const ran = await shop.run(...reconcile)
    expect(ran.stdout).toContain("production/postgres: v2 is current")
    expect(ran.stdout).toContain(
      `hint: ${project.path(".env")} shows another value: mycelium render production writes it`,
    )
    expect(ran.code).toBe(0)
    expect(project.read(".env")).toBe(env)
    expect((await shop.run("render", "production")).code).toBe(0)
    expect(await shop.login(shop.shown)).toBe("in")
  })

  test("if no version is accepted, says what a person can do, and the service neither rotates nor revokes the secret", async () => {
    await using shop = await openShop(servers.postgres)
    const { project, role } = shop
    await shop.adopt()
    await rotated(shop)
    await shop.setPassword("Set-by-another-person.1")
    const ran = await clear(shop, await shop.run(...reconcile))
    expect(ran.stdout).toContain(
      "production/postgres: the service refuses all 2 versions that were tried (none-accepted)",
    )
    expect(ran.stdout).toContain("mycelium adopt production --ask")
    expect(ran.stdout).toContain(`\\password ${role}`)
    expect(ran.code).toBe(7)
    expect((await shop.run("status")).stdout).toContain("the service refuses it since")
    expect((await shop.run("check", "--quick")).stdout).toContain("current-refused")
    const log = project.read("api.log")
    expect((await shop.run("run", "--once")).code).toBe(7)
    expect(project.read("api.log")).toBe(log)
    show(shop, "Set-by-another-person.1")
    expect((await shop.run("adopt", "production")).code).toBe(0)
    expect((await shop.run("status")).stdout).not.toContain("the service refuses it")
    await rotated(shop)
  }, 60_000)

  test("decides nothing if the server is silent, or accepts any password", async () => {
    await using other = await startPostgres()
    await using shop = await openShop(other)
    const { project } = shop
    await shop.adopt()
    await rotated(shop)
    await other.stop()
    const before = readFileSync(project.statePath())
    const silent = await shop.run(...reconcile)
    expect(silent.stdout).toContain("production/postgres: no clear answer: at 127.0.0.1:")
    expect(silent.stdout).toContain(
      "the connection failed: ECONNREFUSED (unreachable); nothing was decided",
    )
    expect(silent.code).toBe(1)
    await other.start()
    await other.setHba("host all all 127.0.0.1/32 trust")
    const open = await shop.run(...reconcile)
    expect(open.stdout).toContain("(accepts-anything)")
    expect(open.code).toBe(1)
    expect(readFileSync(project.statePath()).equals(before)).toBe(true)
  }, 60_000)

  test("ends a journal that is stuck because an older value was put back meanwhile", async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    const { project, role } = shop
    await shop.adopt()
    const second = await rotated(shop)
    await servers.postgres.session(async (client) => {
      await client.unsafe(`begin; select 1 from pg_authid where rolname = '${role}' for update`)
      const child = Bun.spawn([binary, "rotate-now", "production"], {
        cwd: project.folder,
        env: project.environment,
        stdio: ["ignore", "ignore", "ignore"],
      })
      await until(
        "its statement waits",
        async () =>
          (
            await servers.postgres.sql(
              `select 1 from pg_stat_activity where usename = '${role}_admin' and wait_event_type = 'Lock'`,
            )
          ).length === 1,
      )
      child.kill("SIGKILL")
      await child.exited
      await servers.postgres.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}_admin'`,
      )
    })
    await shop.setPassword(shop.old)
    const stuck = await clear(shop, await shop.run("rotate-now", "production"))
    expect(stuck.stdout).toContain(
      "production/postgres: STUCK: the service accepts v1, neither the current nor the new value (drifted)",
    )
    expect(stuck.code).toBe(7)
    expect([shop.shown, (await stateOf(project))?.deferred?.length]).toEqual([second, 1])
    const planned = (await shop.run("plan")).stdout
    expect(planned).toContain(
      "  postgres waits: its unfinished rotation must end first: postgres: " +
        "the service accepts v1, neither the current nor the new value (drifted)",
    )
    expect(planned).toContain("finish the rotation of postgres")

    const ran = await clear(shop, await shop.run(...reconcile))
    expect(ran.stdout).toContain(
      "production/postgres: the service accepts v1, not v2: it is current; written: ",
    )
    expect(ran.code).toBe(0)
    expect(openSets(await stateOf(project))).toEqual([])
    expect(await stages(shop)).toEqual(["v1 current", "v2 retired", "v3 retired"])
    expect([shop.shown, project.read("api.loaded")]).toEqual([shop.old, project.read(".env")])
  }, 60_000)

  test("is finished after a kill during its restart, with the same version", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    const backup = await keep(shop)
    await rotated(shop)
    await backup()
    project.script(
      "restart-api",
      'if [ ! -e once ]; then touch once; kill -9 "$PPID"; fi',
      "cp .env api.loaded",
    )
    expect((await shop.run(...reconcile)).signal).toBe("SIGKILL")
    const ran = await shop.run(...reconcile)
    expect(ran.stdout).toContain("production/postgres: v1 is current")
    expect(ran.code).toBe(0)
    expect([shop.shown, project.read("api.loaded")]).toEqual([shop.old, project.read(".env")])
    expect(await stages(shop)).toEqual(["v1 current", "v2 retired"])
  }, 60_000)

  test("restarts all programs even if one does not get healthy, and never sets a password itself", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    const backup = await keep(shop)
    await rotated(shop)
    await backup()
    project.script("health-api", "exit 1")
    const ran = await shop.run(...reconcile)
    expect(ran.stdout).toContain("BUT api did not get healthy")
    expect(ran.code).toBe(5)
    expect(shop.shown).toBe(shop.old)
    expect(await shop.login(shop.old)).toBe("in")
  }, 60_000)
})
