import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { chmodSync, rmSync } from "node:fs"
import { until } from "../support/until.ts"
import { clientOf } from "../support/login.ts"
import { json, modeOf } from "../support/mycelium.ts"
import { auditFaults, stateOf, versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, configOf, firstKey, openShop } from "../support/shop.ts"

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

type Report = {
  readonly reports: readonly {
    readonly recovered: Outcomes
    readonly outcomes: Outcomes
    readonly revoked: readonly {
      readonly version: string
      readonly death: { readonly kind: string }
    }[]
  }[]
}
type Outcomes = Readonly<
  Record<string, { readonly kind: string; readonly version?: string; readonly code?: string }>
>
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
  test("adopts, says what it would do, rotates, and says what is", async () => {
    await using shop = await openShop(server)
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
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    const rest = (): string => project.read(".env").replace(/^POSTGRES_PASSWORD=.*$/m, "")
    const before = rest()
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    expect(rest()).toBe(before)
    expect(modeOf(project.path(".env"))).toBe("0600")
  })

  test("rotates two secrets in one change set, each program restarted once", async () => {
    await using shop = await openShop(server, { two: true })
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

  test("rotates one secret alone where it is named, and leaves the other's program in peace", async () => {
    await using shop = await openShop(server, { two: true })
    await shop.adopt()
    expect((await shop.run("rotate-now", "production/session_key")).code).toBe(0)
    expect(shop.shown).toBe(shop.old)
    expect([shop.project.has("api.log"), shop.project.read("web.log")]).toEqual([
      false,
      "restarted\n",
    ])
  })

  test("makes a first value with --new, by an admin, where the role has none", async () => {
    await using shop = await openShop(server, { admin: true, empty: true })
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

  test("ends sessions of the old value where the config says so", async () => {
    await using shop = await openShop(server, { endSessions: true })
    await shop.adopt()
    const client = clientOf(server, shop.role, shop.old)
    await client.unsafe("select 1")
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    expect(
      await server.sql(
        `select count(*)::int as n from pg_stat_activity where usename = '${shop.role}' and ` +
          "application_name not like 'mycelium%'",
      ),
    ).toEqual([{ n: 0 }])
    await client.close({ timeout: 0 }).catch(() => undefined)
  })
})

describe("mycelium, when a deployment does not take the new value", () => {
  test("goes back: the file byte for byte, the old password lives, the new one is refused", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    shop.sicken()
    const before = project.read(".env")
    const { stdout, code } = await shop.run("rotate-now", "production")
    expect(stdout).toContain(
      "production/postgres: went back to the old value: api did not get healthy",
    )
    expect(code).toBe(1)
    await expectBack(shop, before)
    expect((await stateOf(project))?.secrets["postgres"]?.retry).toMatchObject({
      failures: 1,
      code: "deployment-unhealthy",
    })
    expect((await stateOf(project))?.changeSet).toBeUndefined()
  })

  test("goes back when its hook fails, and says so without the hook's words", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    project.script(
      "restart-api",
      "if cmp -s .env good.env; then cp .env api.loaded; exit 0; fi",
      "cat .env; cat .env >&2; exit 3",
    )
    project.write("good.env", project.read(".env"))
    const before = project.read(".env")
    const { stdout, stderr, code } = await shop.run("rotate-now", "production")
    expect(stdout).toContain("went back to the old value: api did not get healthy")
    expect(stdout).toContain("ended with code 3")
    expect(`${stdout}${stderr}`).not.toContain("PORT=8080")
    expect(code).toBe(1)
    await expectBack(shop, before)
  })

  test("waits with the file and the program while the server is silent on the way back, and restarts nothing again and again", async () => {
    await using other = await startPostgres()
    await using shop = await openShop(other)
    const { project } = shop
    await shop.adopt()
    shop.sicken()
    const before = project.read(".env")
    project.script(
      "restart-api",
      "cp .env api.loaded",
      "echo restarted >> api.log",
      "[ -e stopped ] || { touch waiting; until [ -e stopped ]; do sleep 0.05; done; }",
    )
    const running = shop.run("rotate-now", "production")
    await until("the hook to wait", () => project.has("waiting"))
    await other.stop()
    const delivered = project.read(".env")
    project.write("stopped", "")
    await until(
      "it to go back",
      async () => (await stateOf(project))?.changeSet?.direction === "back",
    )
    await Bun.sleep(3000)
    expect([project.read(".env"), project.read("api.log")]).toEqual([delivered, "restarted\n"])
    await other.start()
    const { stdout, code } = await running
    expect(stdout).toContain("production/postgres: went back to the old value")
    expect(code).toBe(1)
    await expectBack(shop, before)
  }, 60_000)

  test("gets nothing of our environment into its hooks but what a program needs", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    project.script("restart-api", "env > hook.env", "cp .env api.loaded")
    expect(
      (
        await project.mycelium(["rotate-now", "production"], {
          env: { SOME_TOKEN: "not for hooks" },
        })
      ).code,
    ).toBe(0)
    const names = project
      .read("hook.env")
      .split("\n")
      .flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? [])
    expect(
      names.filter(
        (name) =>
          !["HOME", "LANG", "PATH", "TZ", "MYCELIUM_RUN", "PWD", "OLDPWD", "SHLVL", "_"].includes(
            name,
          ),
      ),
    ).toEqual([])
  })

  test("does not begin while it is unhealthy before", async () => {
    await using shop = await openShop(server)
    await shop.adopt()
    shop.project.write("api.loaded", "something else")
    const before = shop.project.read(".env")
    const { stdout, code } = await shop.run("rotate-now", "production")
    expect(stdout).toContain(
      "production/postgres: left as it was: api is not healthy before the rotation",
    )
    expect(code).toBe(1)
    expect(shop.project.read(".env")).toBe(before)
    expect(await versionsOf(shop.project, "postgres")).toHaveLength(1)
  })

  for (const { what, spoil, message, hint } of [
    {
      what: "restart",
      spoil: (path: string) => chmodSync(path, 0o644),
      message: "may not be executed by this user",
      hint: (path: string) => `chmod +x ${path}`,
    },
    {
      what: "restart",
      spoil: (path: string) => rmSync(path),
      message: "does not exist",
      hint: () => "put it there and chmod +x it, or correct the path in the config",
    },
    {
      what: "health check",
      spoil: (path: string) => rmSync(path),
      message: "does not exist",
      hint: () => "put it there and chmod +x it, or correct the path in the config",
    },
  ]) {
    test(`does not begin where the program of a ${what} ${message}; a dry run says so too`, async () => {
      await using shop = await openShop(server)
      await shop.adopt()
      const path = shop.project.path(what === "restart" ? "restart-api" : "health-api")
      spoil(path)
      for (const more of [["--dry-run"], []]) {
        const { stdout, code } = await shop.run("rotate-now", "production", ...more)
        expect(stdout).toContain(
          `${path} (the ${what} of production/api) ${message} (hook-missing)`,
        )
        expect(stdout).toContain(`hint: ${hint(path)}`)
        expect(code).toBe(1)
      }
      expect(await shop.login(shop.old)).toBe("in")
      expect(await versionsOf(shop.project, "postgres")).toHaveLength(1)
    })
  }
})

describe("mycelium, when it cannot prove that the old password is dead", () => {
  test("does not take a refusal for it: a role that has expired refuses the right password too", async () => {
    await using shop = await openShop(server, { admin: true })
    const { project } = shop
    await shop.adopt()
    project.script(
      "restart-api",
      "cp .env api.loaded",
      "[ -e go ] || { touch waiting; until [ -e go ]; do sleep 0.05; done; }",
    )
    const running = shop.run("rotate-now", "production")
    await until("the hook to wait", () => project.has("waiting"))
    await server.sql(`alter role ${shop.role} valid until 'yesterday'`)
    project.write("go", "")
    const { stdout, code } = await running
    expect(stdout).toContain("production/postgres: rotated, v2 is current")
    expect(stdout).toContain(
      "v1 is NOT proven dead: the service refuses the current value, " +
        "so nothing older is taken away (current-refused)",
    )
    expect(code).toBe(7)
    await server.sql(`alter role ${shop.role} valid until 'infinity'`)
    expect((await shop.run("run", "--once")).code).toBe(0)
    expect((await versionsOf(project, "postgres")).map(({ stage }) => stage)).toEqual([
      "retired",
      "current",
    ])
  }, 30_000)
})

describe("mycelium, killed", () => {
  test("in a restart hook, is finished by the next call, with the same value, and ends the old hook first", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    const { production } = configOf(shop).environments
    project.configure({
      ...configOf(shop),
      environments: {
        production: {
          ...production,
          deployments: {
            api: {
              command: ["./restart-api"],
              timeout: "2s",
              healthy: { command: ["./health-api"] },
            },
          },
        },
      },
    })
    await shop.adopt()
    project.script(
      "restart-api",
      "echo $$ >> hooks",
      'if [ ! -e once ]; then touch once; kill -9 "$PPID"; sleep 60; fi',
      "cp .env api.loaded",
    )
    const killed = await shop.run("rotate-now", "production")
    expect(killed.signal).toBe("SIGKILL")
    const made = shop.shown
    expect([await shop.login(made), await shop.login(shop.old)]).toEqual(["in", "28P01"])
    expect((await stateOf(project))?.changeSet?.direction).toBe("forward")
    const status = await shop.run("status")
    expect(status.stdout).toContain("is not finished: going forward")

    const again = await shop.run("rotate-now", "production", "--json")
    expect(json<Report>(again).reports[0]).toMatchObject({
      recovered: { postgres: { kind: "rotated", version: "v2" } },
      outcomes: {},
    })
    expect(again.code).toBe(0)
    expect(shop.shown).toBe(made)
    expect(project.read("api.loaded")).toBe(project.read(".env"))
    expect((await versionsOf(project, "postgres")).map(({ stage }) => stage)).toEqual([
      "retired",
      "current",
    ])
    const [first] = project.read("hooks").split("\n")
    await until("the first hook to be gone", () => !processRuns(Number(first)))
  }, 60_000)

  test("in a rollback, goes on going back", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    shop.sicken()
    const before = project.read(".env")
    project.script(
      "restart-api",
      "cp .env api.loaded",
      'if cmp -s .env good.env && [ ! -e once ]; then touch once; kill -9 "$PPID"; fi',
    )
    expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
    expect((await stateOf(project))?.changeSet?.direction).toBe("back")
    const again = await shop.run("rotate-now", "production", "--json")
    expect(json<Report>(again).reports[0]?.recovered).toMatchObject({
      postgres: { kind: "rolled-back" },
    })
    expect(again.code).toBe(1)
    await expectBack(shop, before)
  }, 60_000)

  test("going back, restarts what the machine has started meanwhile with the new file", async () => {
    await using shop = await openShop(server, { two: true })
    const { project } = shop
    await shop.adopt()
    shop.sicken()
    project.script(
      "restart-api",
      'if [ ! -e once ]; then touch once; kill -9 "$PPID"; exit 1; fi',
      "cp .env api.loaded",
    )
    const before = project.read("session.env")
    expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
    // Its own turn had not come: nothing of ours has restarted it.
    project.write("web.loaded", project.read("session.env"))
    expect(project.read("web.loaded")).not.toBe(before)
    await shop.run("run", "--once")
    expect(project.read("session.env")).toBe(before)
    expect(project.read("web.loaded")).toBe(before)
  }, 60_000)

  test("is finished with the options that it began with, not with today's", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    project.script(
      "restart-api",
      'if [ ! -e once ]; then touch once; kill -9 "$PPID"; exit 1; fi',
      "cp .env api.loaded",
    )
    expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
    const { production } = configOf(shop).environments
    project.configure({
      ...configOf(shop),
      environments: {
        production: {
          ...production,
          deployments: {},
          outputs: [
            { dotenv: "other.env", variables: { POSTGRES_PASSWORD: "{{ postgres.password }}" } },
          ],
        },
      },
    })
    const again = await shop.run("rotate-now", "production", "--json")
    expect(json<Report>(again).reports[0]?.recovered).toMatchObject({
      postgres: { kind: "rotated", version: "v2" },
    })
    expect(project.read("api.loaded")).toBe(project.read(".env"))
    expect(await shop.login(shop.shown)).toBe("in")
  }, 60_000)
})

async function expectBack(shop: Shop, before: string): Promise<void> {
  const { project } = shop
  expect(project.read(".env")).toBe(before)
  expect(project.read("api.loaded")).toBe(before)
  const versions = await versionsOf(project, "postgres")
  for (const { stage, password = "" } of versions)
    expect(await shop.login(password)).toBe(stage === "current" ? "in" : "28P01")
  expect(versions.find(({ stage }) => stage === "current")?.password).toBe(shop.old)
  expect(versions.length).toBeGreaterThan(1)
}

function processRuns(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
