import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { openSets } from "../../src/core/change-set.ts"
import { type Ran, binary, json } from "../support/mycelium.ts"
import { auditFaults, stateOf, versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type RedisServer, startRedis } from "../support/servers/redis.ts"
import { type Shop, type ShopOptions, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"
import { expectClear } from "./refused.ts"

/**
 * A backup that was put back, of the service or of the state: which value lives is asked, and
 * becomes the current one.
 */

let server: PostgresServer
let redis: RedisServer
beforeAll(async () => {
  ;[server, redis] = await Promise.all([startPostgres(), startRedis()])
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
})

type Document = {
  readonly written: boolean
  readonly found: Readonly<
    Record<string, { readonly kind: string; readonly version?: string; readonly code?: string }>
  >
  readonly revoked: readonly {
    readonly version: string
    readonly death: { readonly kind: string }
  }[]
}

const reconcile = ["reconcile", "production"]
const stages = async (shop: Shop): Promise<readonly string[]> =>
  (await versionsOf(shop.project, shop.service.secret)).map(({ id, stage }) => `${id} ${stage}`)
async function rotated(shop: Shop): Promise<string> {
  const { code, stdout, stderr } = await shop.run("rotate-now", "production")
  if (code !== 0) throw new Error(stdout + stderr)
  return shop.service.shown(shop.project).password
}
/** In the file and in the program that has read it. */
function show({ project }: Shop, password: string): void {
  project.write(
    ".env",
    project.read(".env").replace(/^POSTGRES_PASSWORD=.*$/m, `POSTGRES_PASSWORD=${password}`),
  )
  project.write("api.loaded", project.read(".env"))
}
/** A backup of what the service holds; the answer puts it back. */
async function keep({ service }: Shop): Promise<() => Promise<void>> {
  const held = await service.held()
  return () => service.hold(held)
}
async function clear(shop: Shop, ran: Ran): Promise<Ran> {
  const values = (await versionsOf(shop.project, shop.service.secret)).flatMap(
    ({ password }) => password ?? [],
  )
  expectClear(ran.stdout + ran.stderr, [shop.old, ...values])
  return ran
}

describe("reconcile, after a backup of the server was put back", () => {
  test.each([
    ["without an admin", {}],
    ["with one", { admin: true }],
  ] as const)(
    "makes the value that lives current, %s: files, programs, log, and the old one is due soon",
    async (_, options) => {
      await using shop = await openShop(server, options)
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
      // Nobody has learnt meanwhile how old it is.
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

  test("of a pair: finds the role and its password, and takes nothing away that is the only way in", async () => {
    await using shop = await openShop(server, { pair: true })
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
    await using shop = await openShop(server, { redis })
    const { project, role, service } = shop
    await shop.adopt()
    await rotated(shop)
    await redis.command("ACL", "SETUSER", role, `>${shop.old}`)
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

  test("says that the outputs show it already, and restarts nothing", async () => {
    await using shop = await openShop(server)
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

  test("says which files differ where the current value is accepted, and writes none", async () => {
    await using shop = await openShop(server)
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

  test("where no version is accepted, says what a person can do, and the service neither rotates nor revokes it", async () => {
    await using shop = await openShop(server)
    const { project, role } = shop
    await shop.adopt()
    await rotated(shop)
    await shop.setPassword("Set-by-somebody-else.1")
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
    show(shop, "Set-by-somebody-else.1")
    expect((await shop.run("adopt", "production")).code).toBe(0)
    expect((await shop.run("status")).stdout).not.toContain("the service refuses it")
    await rotated(shop)
  }, 60_000)

  test("decides nothing where the server is silent, or lets anybody in", async () => {
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
    await using shop = await openShop(server, { admin: true })
    const { project, role } = shop
    await shop.adopt()
    const second = await rotated(shop)
    await server.session(async (client) => {
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
            await server.sql(
              `select 1 from pg_stat_activity where usename = '${role}_admin' and wait_event_type = 'Lock'`,
            )
          ).length === 1,
      )
      child.kill("SIGKILL")
      await child.exited
      await server.sql(
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

  test("finishes after a kill in its restart, with the same version", async () => {
    await using shop = await openShop(server)
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

  test("restarts all programs even where one does not get healthy, and never sets a password itself", async () => {
    await using shop = await openShop(server)
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

describe("reconcile, after an older state was put back", () => {
  async function withOlderState(
    options: ShopOptions,
    act: (shop: Shop, live: string) => Promise<void>,
  ): Promise<void> {
    await using shop = await openShop(server, options)
    const { project } = shop
    await shop.adopt()
    await rotated(shop)
    copyFileSync(project.statePath(), project.path("backup"))
    const live = await rotated(shop)
    copyFileSync(project.path("backup"), project.statePath())
    await act(shop, live)
  }

  test("nothing rotates or is revoked, each refusal names reconcile", async () => {
    await withOlderState({}, async (shop, live) => {
      for (const args of [
        ["rotate-now", "production"],
        ["run", "--once"],
        ["render", "production"],
        ["adopt", "production"],
      ]) {
        const ran = await shop.run(...args)
        expect(ran.stderr + ran.stdout).toContain("is older than its audit log")
        expect(ran.code).toBe(7)
        if (args[0] !== "run") expect(ran.stderr).toContain("mycelium reconcile production")
      }
      expect(await shop.login(live)).toBe("in")
      expect(shop.shown).toBe(live)
    })
  })

  test("a value that it does not know makes the secret new; adopt takes it over, and no number is used twice", async () => {
    await withOlderState({}, async (shop, live) => {
      const { project } = shop
      const before = project.snapshot()
      const dry = await shop.run(...reconcile, "--dry-run")
      expect(dry.code).toBe(7)
      expect(project.snapshot()).toEqual(before)
      const ran = await shop.run(...reconcile)
      expect(ran.stdout).toContain("the service refuses all 2 versions")
      expect(ran.stdout).toContain(
        "production: the state is older than its audit log; it goes on from here",
      )
      expect(ran.code).toBe(7)
      expect(await stages(shop)).toEqual(["v1 retired", "v2 retired"])
      expect((await shop.run("run", "--once")).code).toBe(0)
      expect((await shop.run("adopt", "production")).stdout).toContain("adopted as v4")
      expect(shop.shown).toBe(live)
      await rotated(shop)
      expect((await shop.run("audit", "verify")).code).toBe(0)
      expect(auditFaults(project)).toEqual([])
    })
  }, 60_000)

  test("of a pair, nothing is taken away from the role that lives", async () => {
    await withOlderState({ pair: true }, async (shop) => {
      const { project, service } = shop
      const live = service.shown(project)
      expect((await shop.run(...reconcile)).code).toBe(7)
      expect((await shop.run("run", "--once")).code).toBe(0)
      expect(await service.login(live)).toBe("in")
      expect((await shop.run("adopt", "production")).code).toBe(0)
      await rotated(shop)
    })
  }, 60_000)

  test("where its current value is the one that lives, it goes on at once", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    const live = await rotated(shop)
    copyFileSync(project.statePath(), project.path("backup"))
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    await shop.setPassword(live)
    show(shop, live)
    copyFileSync(project.path("backup"), project.statePath())
    const ran = await shop.run(...reconcile)
    expect(ran.stdout).toContain("production/postgres: v2 is current")
    expect(ran.code).toBe(0)
    expect((await shop.run("audit")).stdout).toContain("state-older")
    await rotated(shop)
    expect(await stages(shop)).toEqual(["v1 retired", "v2 retired", "v4 current"])
  }, 60_000)

  test("stays set aside while a service gives no clear answer", async () => {
    await using other = await startPostgres()
    await using shop = await openShop(other)
    const { project } = shop
    await shop.adopt()
    copyFileSync(project.statePath(), project.path("backup"))
    await rotated(shop)
    copyFileSync(project.path("backup"), project.statePath())
    await other.stop()
    const ran = await shop.run(...reconcile, "--json")
    expect(json<Document>(ran)).toMatchObject({
      written: false,
      found: { postgres: { kind: "unknown" } },
    })
    expect(ran.code).toBe(1)
    expect((await shop.run("rotate-now", "production")).code).toBe(7)
    await other.start()
    expect((await shop.run(...reconcile)).code).toBe(7)
    expect((await shop.run("adopt", "production")).code).toBe(0)
  }, 60_000)

  test.each(["deleted", "cut"] as const)(
    "whose log was %s is not rotated from; reconcile finds out what lives",
    async (how) => {
      await using shop = await openShop(server)
      const { project } = shop
      await shop.adopt()
      await rotated(shop)
      copyFileSync(project.statePath(), project.path("backup"))
      const live = await rotated(shop)
      copyFileSync(project.path("backup"), project.statePath())
      const lines = readFileSync(project.auditPath(), "utf8").split("\n")
      if (how === "deleted") rmSync(project.auditPath())
      else writeFileSync(project.auditPath(), `${lines.slice(0, 2).join("\n")}\n`)
      for (const args of [
        ["rotate-now", "production"],
        ["run", "--once"],
        ["render", "production"],
      ]) {
        const ran = await shop.run(...args)
        expect(`${ran.stdout}${ran.stderr}`).toContain("nothing says whether")
        expect([args, ran.code]).toEqual([args, 7])
      }
      expect(await shop.login(live)).toBe("in")
      expect((await shop.run("check")).stdout).toContain("state-older")
      const ran = await shop.run(...reconcile)
      expect(ran.stdout).toContain("lines of the audit log that the state knows of are gone")
      expect((await shop.run("adopt", "production")).code).toBe(0)
      expect(auditFaults(project)).toEqual([])
      await rotated(shop)
    },
    60_000,
  )

  test("one that was lost begins anew behind its log, with every secret new", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    await rotated(shop)
    rmSync(project.statePath())
    expect((await shop.run("rotate-now", "production", "--new")).code).toBe(7)
    const ran = await shop.run(...reconcile)
    expect(ran.stdout).toContain("production: the state was gone; it goes on from here")
    expect(ran.code).toBe(5)
    expect((await shop.run("adopt", "production")).stdout).toContain("adopted as v3")
    expect(auditFaults(project)).toEqual([])
    await rotated(shop)
  }, 60_000)

  test("and its log together: what the services and the files say keeps it from doing harm", async () => {
    await using shop = await openShop(server, { two: true })
    const { project } = shop
    await shop.adopt()
    const backups = [project.statePath(), project.auditPath()].map(
      (path) => [path, readFileSync(path)] as const,
    )
    const live = await rotated(shop)
    const key = project.variable("SESSION_KEY", "session.env")
    for (const [path, bytes] of backups) writeFileSync(path, bytes)
    const ran = await shop.run("rotate-now", "production")
    expect(ran.stdout).toContain("production/session_key: left as it was: ")
    expect(ran.stdout).toContain("(output-drift)")
    expect(ran.code).toBe(7)
    expect([shop.shown, project.variable("SESSION_KEY", "session.env")]).toEqual([live, key])
    const found = await shop.run(...reconcile)
    expect(found.stdout).toContain("production/session_key: ")
    expect(found.stdout).toContain("(output-drift)")
    expect(found.code).toBe(7)
    expect([shop.shown, await shop.login(live)]).toEqual([live, "in"])
  }, 60_000)
})
