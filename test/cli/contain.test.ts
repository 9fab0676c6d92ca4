import { describe, expect, test } from "bun:test"
import { readFileSync, rmSync } from "node:fs"
import { clientOf, sessionsOf } from "../support/login.ts"
import { binary, json } from "../support/mycelium.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/**
 * An intruder holds sessions, and has set a password of his own: what `rotate-now --contain` must
 * end, on real servers.
 */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

const contain = ["rotate-now", "production", "--contain", "--incident", "leak-7", "--json"]
type Report = {
  readonly incident: string
  readonly reports: readonly {
    readonly outcomes: Readonly<
      Record<string, { readonly kind: string; readonly unhealthy?: string }>
    >
    readonly revoked: readonly {
      readonly death: {
        readonly kind: string
        readonly sessionsEnded?: number
        readonly notes?: readonly string[]
      }
    }[]
    readonly before: readonly string[]
  }[]
}

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
  test("goes on where a restart program is missing, and says so before", async () => {
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

  test("one role: what the intruder has set himself is gone, and so is his session", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true })
    await shop.adopt()
    const intruder = clientOf(servers.postgres, shop.role, shop.old)
    await intruder.unsafe("select 1")
    await shop.setPassword("intruders-own-password")
    const ran = await shop.run(...contain)
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
    const run = shop.run(...contain)
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

  test("an admin that may not end sessions: contained for new logins, and the SQL that lets the same command end them is said", async () => {
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
    "Redis: one hash is left, and no connection of before %p",
    async (more) => {
      await using shop = await openShop(servers.postgres, { redis: servers.redis })
      await shop.adopt()
      await servers.redis.command("ACL", "SETUSER", shop.role, ">intruders-own-password")
      const intruder = await redisSession(shop.role, "intruders-own-password")
      const ran = await shop.run(...contain, ...more)
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
    expect((await shop.run(...contain)).code).toBe(0)
    const shown = shop.shown
    const again = await shop.run(...contain)
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

  test("a program that does not get healthy is reported, and the compromised value does not come back", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true, two: true })
    await shop.adopt()
    shop.sicken()
    const ran = await shop.run(...contain)
    expect(ran.code).toBe(5)
    expect(json<Report>(ran).reports[0]?.outcomes["postgres"]).toMatchObject({
      kind: "rotated",
      unhealthy: expect.stringContaining("api did not get healthy") as unknown as string,
    })
    expect([await shop.login(shop.old), await shop.login(shop.shown)]).toEqual(["28P01", "in"])
    // The other program was restarted all the same.
    expect(shop.project.read("web.loaded")).toBe(shop.project.read("session.env"))
  })

  test("a program that did not get healthy stays told until the same incident finds it healthy, and blocks no rotation then", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true, two: true })
    await shop.adopt()
    shop.sicken()
    const incident = contain.filter((word) => word !== "--json")
    const first = await shop.run(...incident)
    expect({
      code: first.code,
      hint: first.stdout.includes("hint: the program may be down: look at its log, and restart it"),
      web: first.stdout.match(/session_key: v2 is current.*/)?.[0],
    }).toEqual({ code: 5, hint: true, web: "session_key: v2 is current" })
    const shown = shop.shown
    const told = async (): Promise<unknown> => {
      const [status, check, review] = [
        await shop.run("status"),
        await shop.run("check", "--quick"),
        await shop.run("report", "--since", "1d"),
      ]
      return {
        status: /! postgres .*api did not get healthy/.test(status.stdout),
        check: [check.code === 4, check.stdout.includes("promoted-unhealthy")],
        order: review.stdout.includes("In order"),
      }
    }
    expect(await told()).toEqual({ status: true, check: [true, true], order: false })
    const again = await shop.run(...incident)
    expect({
      code: again.code,
      message:
        /production\/postgres: contained before, by this incident.*, BUT api did not get healthy/.test(
          again.stdout,
        ),
    }).toEqual({ code: 5, message: true })
    expect(await told()).toEqual({ status: true, check: [true, true], order: false })
    rmSync(shop.project.path("sick"))
    expect((await shop.run(...incident)).code).toBe(0)
    expect([
      (await shop.run("status")).stdout.includes("none needs attention"),
      (await shop.run("check", "--quick")).stdout.includes("promoted-unhealthy"),
      shop.shown === shown,
    ]).toEqual([true, false, true])
    expect((await shop.run("report", "leak-7")).stdout).toContain(
      "production/api found healthy again",
    )
    expect((await shop.run("rotate-now", "production", "--json")).code).toBe(0)
  })

  test("where nothing asks for its health, the same incident restarts it", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true })
    const { production } = configOf(shop).environments
    shop.project.script("restart-api", "[ ! -e broken ] || exit 1", "cp .env api.loaded")
    shop.project.configure({
      ...configOf(shop),
      environments: {
        production: {
          ...production,
          deployments: { api: { command: ["./restart-api"], reads: [".env"] } },
        },
      },
    })
    await shop.adopt()
    shop.project.write("broken", "")
    expect((await shop.run(...contain)).code).toBe(5)
    expect((await shop.run(...contain)).code).toBe(5)
    rmSync(shop.project.path("broken"))
    expect((await shop.run(...contain)).code).toBe(0)
    expect(shop.project.read("api.loaded")).toBe(shop.project.read(".env"))
    expect((await shop.run("status")).stdout).toContain("none needs attention")
  })

  test("without an admin, a role whose password the intruder has changed is out of reach: it says so", async () => {
    await using shop = await openShop(servers.postgres)
    await shop.adopt()
    await shop.setPassword("intruders-own-password")
    const ran = await shop.run("rotate-now", "production", "--contain")
    expect(ran.code).toBe(7)
    expect(ran.stdout).toContain(
      "if an intruder has changed it: set a new password at the service by hand",
    )
    expect(ran.stdout).toContain(
      "production/postgres: NOT changed: the server refuses the current value of production/postgres",
    )
    expect(shop.shown).toBe(shop.old)
  })

  test("what was left and leaves the config stays not contained: the run, the report and check say the same", async () => {
    await using shop = await openShop(servers.postgres, { two: true })
    const { project } = shop
    await shop.adopt()
    await shop.setPassword("intruders-own-password")
    expect((await shop.run(...contain.slice(0, -1))).code).toBe(7)
    const config = configOf(shop)
    const production = config.environments["production"] as {
      readonly outputs: readonly object[]
      readonly deployments: Readonly<Record<string, object>>
    }
    project.configure({
      ...config,
      environments: {
        production: {
          ...production,
          secrets: { session_key: "generated" },
          outputs: production.outputs.slice(1),
          deployments: { web: production.deployments["web"] },
        },
      },
    })
    const again = await shop.run(...contain.slice(0, -1))
    expect({ code: again.code, message: again.stdout }).toEqual({
      code: 7,
      message: expect.stringContaining(
        "production/postgres: NOT changed: it is in the state and not in the config, " +
          "so nothing here reaches its service",
      ),
    })
    expect(again.stdout).toContain("NOT all contained, 1 left")
    const report = await shop.run("report", "leak-7")
    expect({ code: report.code, message: report.stdout }).toEqual({
      code: 7,
      message: expect.stringContaining("it is in the state and not in the config"),
    })
    // It names no command that is refused.
    expect(report.stdout).not.toContain("```sh\nmycelium rotate-now")
    const check = await shop.run("check", "--quick")
    expect({ code: check.code, message: check.stdout }).toEqual({
      code: 4,
      message: expect.stringContaining(
        "remedy: put it back into the config, or, if another config has it, name that with --config; or, where it was renamed or is not needed any more, once its login is ended at the service, or is another secret's now: mycelium delete production/postgres --login-ended --yes",
      ),
    })
    // As it says.
    expect((await shop.run("delete", "production/postgres", "--login-ended", "--yes")).code).toBe(0)
    const done = await shop.run(...contain.slice(0, -1))
    expect(done.code).toBe(0)
    expect(done.stdout).not.toContain("NOT")
    // Whose word it is, the report of who looks later says.
    const later = await shop.run("report", "leak-7")
    expect({ code: later.code, message: later.stdout }).toEqual({
      code: 0,
      message: expect.stringContaining("a person has said that its login is ended"),
    })
  }, 60_000)

  test("what is left is an error of check and stands in status and the review, until a containment has ended it: a rotation does not", async () => {
    await using shop = await openShop(servers.postgres)
    await shop.adopt()
    await shop.setPassword("intruders-own-password")
    expect((await shop.run(...contain)).code).toBe(7)
    expect((await shop.run("status")).stdout).toMatch(
      /! postgres .*NOT contained since .* UTC \(leak-7\): \w/,
    )
    const note = /NOT contained since \d{4}-\d\d-\d\d \d\d:\d\d UTC \(leak-7\): \w/
    expect((await shop.run("plan")).stdout).toMatch(new RegExp(`^! postgres  ${note.source}`, "m"))
    expect(json(await shop.run("plan", "--json"))).toMatchObject({
      environments: [{ uncontained: [{ secret: "postgres", incident: "leak-7" }] }],
    })
    const told = (await shop.run("run", "--once", "--json")).stdout
      .split("\n")
      .filter((line) => line.includes('"code":"not-contained"'))
    expect(told.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        level: "error",
        environment: "production",
        secret: "postgres",
        incident: "leak-7",
        says: expect.stringMatching(note),
      },
    ])
    // The service says it, too, though no turn is due for weeks.
    const service = Bun.spawn([binary, "run", "--json"], {
      cwd: shop.project.folder,
      env: shop.project.environment,
      stdio: ["ignore", "pipe", "ignore"],
    })
    const reader = service.stdout.pipeThrough(new TextDecoderStream()).getReader()
    let said = ""
    await until(
      "the service says it",
      async () => (said += (await reader.read()).value ?? "").includes('"message":"not contained"'),
      10_000,
    )
    service.kill("SIGTERM")
    await service.exited
    const left = await shop.run("check", "--quick")
    expect({
      code: left.code,
      message: left.stdout.includes("production/postgres: chosen for leak-7"),
      remedy: left.stdout.includes(
        "mycelium rotate-now production/postgres --contain --incident leak-7",
      ),
    }).toEqual({ code: 4, message: true, remedy: true })
    const review = await shop.run("report", "--since", "1d")
    expect([
      review.stdout.includes("In order"),
      review.stdout.includes("need attention (mycelium status says why): production/postgres"),
    ]).toEqual([false, true])
    await shop.setPassword(shop.old)
    expect((await shop.run("rotate-now", "production", "--json")).code).toBe(0)
    expect((await shop.run("check", "--quick")).stdout).toContain("not-contained")
    expect((await shop.run(...contain)).code).toBe(0)
    expect((await shop.run("status")).stdout).toContain("none needs attention")
    for (const args of [["check", "--quick"], ["plan"], ["run", "--once", "--json"]])
      expect((await shop.run(...args)).stdout).not.toMatch(/not.contained/i)
  })

  test("what is adopted meanwhile is proven and not contained: it says so, with the command that ends it", async () => {
    await using shop = await openShop(servers.postgres, { two: true })
    await shop.adopt()
    await shop.setPassword("Intruders-own-password.1")
    expect((await shop.run(...contain)).code).toBe(7)
    shop.project.write(
      "given.json",
      JSON.stringify({ postgres_password: "Intruders-own-password.1" }),
    )
    const ran = await shop.run("adopt", "production", "--from", "given.json")
    const command = "rotate-now production/postgres --contain --incident leak-7"
    expect(ran.stdout.split("\n").slice(0, 3)).toEqual([
      "production/postgres: adopted as v2: a login with it works, one with a wrong value is " +
        "refused; its age is unknown, so it is due at the next scheduled time; " +
        "NOT contained in leak-7, because an adoption ends no sessions and no values that " +
        "others set",
      expect.stringMatching(/^ {2}\S+ \(uid \d+\) listens at 127\.0\.0\.1:\d+$/),
      `  hint: this ends it: mycelium ${command}`,
    ])
    expect(ran.stdout).toContain("\nproduction/session_key: known already, v2\n")
    expect(ran.code).toBe(7)
    const again = json<{ readonly results: Readonly<Record<string, unknown>> }>(
      await shop.run("adopt", "production", "--from", "given.json", "--json"),
    )
    expect(again.results).toMatchObject({
      postgres: { kind: "known", version: "v2", uncontained: "leak-7" },
      session_key: { kind: "known", version: "v2" },
    })
    expect((await shop.run(...command.split(" "))).code).toBe(0)
    expect((await shop.run("status")).stdout).toContain("none needs attention")
    expect((await shop.run("adopt", "production")).stdout).not.toContain("contained")
  })

  test("what a killed run had chosen and not begun is told, too", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true, two: true })
    await shop.adopt()
    await shop.setPassword("intruders-own-password")
    shop.project.script("restart-web", 'kill -9 "$PPID"')
    expect((await shop.run(...contain)).signal).toBe("SIGKILL")
    const told = json<{
      readonly environments: readonly {
        readonly secrets: readonly { readonly notes: readonly string[] }[]
      }[]
    }>(await shop.run("status", "--json"))
    expect(
      told.environments[0]?.secrets.map(
        ({ notes }) => notes.filter((note) => note.startsWith("NOT contained")).length,
      ),
    ).toEqual([1, 1])
  })

  test("--exposed-in finds what stands in a leaked text, raw or encoded, in any stage, and touches nothing else", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true, two: true })
    await shop.adopt()
    const [old, key] = [shop.old, shop.project.variable("SESSION_KEY", "session.env")]
    expect((await shop.run("rotate-now", "production/postgres", "--json")).code).toBe(0)
    shop.project.write(
      "leak.log",
      `GET /?auth=${Buffer.from(`shop:${old}`).toString("base64")} 200\n`,
    )
    const looked = await shop.run("rotate-now", "--exposed-in", "leak.log", "--dry-run")
    expect({
      code: looked.code,
      message: looked.stderr.split("\n").filter((line) => line.startsWith("exposed")),
    }).toEqual({
      code: 0,
      message: [
        "exposed   production/postgres  v1 (retired) stands in the text, base64",
        "exposed   production/postgres  only values that are dead already stand in the text: " +
          "its current one does not, and is rotated all the same",
      ],
    })
    const before = shop.shown
    const ran = await shop.run("rotate-now", "--exposed-in", "leak.log", "--contain", "--json")
    expect({
      code: ran.code,
      rotated: Object.keys(json<Report>(ran).reports[0]?.outcomes ?? {}),
    }).toEqual({ code: 0, rotated: ["postgres"] })
    expect([shop.shown === before, shop.project.variable("SESSION_KEY", "session.env")]).toEqual([
      false,
      key,
    ])
    expect(`${looked.stdout}${looked.stderr}${ran.stdout}${ran.stderr}`).not.toContain(old)
    shop.project.write("clean.log", "nothing of ours\n")
    const clean = await shop.run("rotate-now", "--exposed-in", "clean.log", "--contain")
    expect({ code: clean.code, message: clean.stderr }).toEqual({
      code: 0,
      message:
        "that text holds none of the versions that are kept, and nothing that an output shows now " +
        "(raw, URL-encoded, in JSON, base64, hex, a hex dump, UTF-16); nothing was changed. " +
        "Versions that have aged out could not be compared\n",
    })
    expect(readFileSync(shop.project.auditPath(), "utf8")).toContain(
      '"event":"read","purpose":"exposed-in","secrets":["postgres","session_key"]',
    )
  })

  test.each([
    ["missing.log", "cannot read missing.log: ENOENT"],
    [".", ". is a folder"],
  ])(
    "a text that cannot be read (%s) is one sentence, before any value is opened",
    async (file, message) => {
      await using shop = await openShop(servers.postgres)
      await shop.adopt()
      const before = readFileSync(shop.project.auditPath(), "utf8")
      const ran = await shop.run("rotate-now", "--exposed-in", file, "--contain")
      expect({
        code: ran.code,
        lines: ran.stderr.trim().split("\n").length,
        said: ran.stderr.startsWith(`mycelium: ${message}\n`),
      }).toEqual({ code: 2, lines: 2, said: true })
      expect(readFileSync(shop.project.auditPath(), "utf8")).toBe(before)
    },
  )

  test("--tag chooses by tag, and names the tags where none fits", async () => {
    await using shop = await openShop(servers.postgres, {
      two: true,
      secret: { tags: ["payments"] },
    })
    await shop.adopt()
    const key = shop.project.variable("SESSION_KEY", "session.env")
    const ran = await shop.run("rotate-now", "--tag", "payments", "--contain", "--json")
    expect({
      code: ran.code,
      rotated: Object.keys(json<Report>(ran).reports[0]?.outcomes ?? {}),
      key: shop.project.variable("SESSION_KEY", "session.env"),
    }).toEqual({ code: 0, rotated: ["postgres"], key })
    const none = await shop.run("rotate-now", "--tag", "paymentz", "--contain")
    expect({ code: none.code, hint: none.stderr.includes("hint: tags: payments") }).toEqual({
      code: 2,
      hint: true,
    })
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
    const second = shop.run(...contain)
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
