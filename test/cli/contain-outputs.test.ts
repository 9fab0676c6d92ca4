import { describe, expect, test } from "bun:test"
import { lstatSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs"
import { binary, json } from "../support/mycelium.ts"
import { stateOf } from "../support/sealed.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { startRelay } from "../support/relay.ts"
import { SmallDisk, whyNoDisk } from "../support/small-disk.ts"
import { type Shop, configOf, firstKey, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/** A user who can write an output cannot keep `rotate-now --contain` from ending the value at its service. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

const incident = ["--contain", "--incident", "leak-7"] as const
type Verdict = {
  readonly kind: string
  readonly code?: string
  readonly unwritten?: {
    readonly outputs: Readonly<Record<string, { readonly code: string }>>
    readonly programs: readonly string[]
  }
}
type Report = { readonly reports: readonly { readonly secrets: Record<string, Verdict> }[] }

async function verdictsOf(
  shop: Shop,
  ...more: readonly string[]
): Promise<Record<string, Verdict>> {
  const ran = await shop.run("rotate-now", "production", ...incident, "--json", ...more)
  return json<Report>(ran).reports[0]?.secrets ?? {}
}

const bent: Readonly<Record<string, (shop: Shop) => unknown>> = {
  "a line of it holds an unknown value": (shop) =>
    shop.project.write(".env", shop.project.read(".env").replace(/PASSWORD=.*/, "PASSWORD=zzz")),
  "it is a link": (shop) => {
    renameSync(shop.project.path(".env"), shop.project.path("elsewhere"))
    symlinkSync("elsewhere", shop.project.path(".env"))
  },
  "it is a folder": (shop) => {
    rmSync(shop.project.path(".env"))
    mkdirSync(shop.project.path(".env"))
  },
  "it is a FIFO": (shop) => {
    rmSync(shop.project.path(".env"))
    Bun.spawnSync(["mkfifo", shop.project.path(".env")])
  },
  "it is sparse and huge": (shop) =>
    Bun.spawnSync(["truncate", "-s", "100G", shop.project.path(".env")]),
}

/** What it is, whose, and when it was last changed. */
function liesThere(shop: Shop): object {
  const { ino, mode, size, mtimeMs } = lstatSync(shop.project.path(".env"))
  return { ino, mode, size, mtimeMs }
}

describe.each(Object.entries(bent))("%s", (what, bend) => {
  const kinds = what.includes("line") ? (["postgres", "redis"] as const) : (["redis"] as const)
  test.each(kinds)("the value of %s dies all the same", async (kind) => {
    await using shop = await openShop(
      servers.postgres,
      kind === "redis" ? { redis: servers.redis } : {},
    )
    await shop.adopt()
    const [before, loaded] = [shop.project.read(".env"), shop.project.read("api.loaded")]
    bend(shop)
    const bentTo = liesThere(shop)

    const ran = await shop.run("rotate-now", "production", ...incident)
    expect({ code: ran.code, login: await shop.login(shop.old) }).toEqual({
      code: 5,
      login: kind === "redis" ? "WRONGPASS" : "28P01",
    })
    expect(ran.stdout).toContain(`${shop.project.path(".env")} is not written`)
    expect(ran.stdout).toContain("api")
    // What stood there stays, and a program that would only read it again is not restarted.
    expect(liesThere(shop)).toEqual(bentTo)
    expect([shop.project.read("api.loaded"), shop.project.has("api.log")]).toEqual([loaded, false])

    for (const command of ["status", "plan", "check"] as const)
      expect(`${what}: ${(await shop.run(command)).stdout}`).toContain("is not written since")
    expect((await shop.run("check")).code).toBe(4)
    const report = (await shop.run("report", "leak-7")).stdout
    expect(report).toContain("contained")
    expect(report).toContain(`${shop.project.path(".env")} is not written since`)

    // Again it does nothing twice, and says the same.
    const again = await verdictsOf(shop)
    expect(again[kind]).toMatchObject({ kind: "contained", unwritten: { programs: ["api"] } })
    expect((await stateOf(shop.project))?.secrets[kind]?.versions.length).toBe(2)

    rmSync(shop.project.path(".env"), { recursive: true })
    shop.project.write(".env", before)
    expect((await shop.run("render", "production")).code).toBe(0)
    expect(await shop.service.login(shop.service.shown(shop.project))).toBe("in")
    expect((await shop.run("status")).stdout).toContain("api was not restarted")
    const done = await shop.run("rotate-now", "production", ...incident)
    expect({ code: done.code, out: done.code === 0 ? "" : done.stdout }).toEqual({
      code: 0,
      out: "",
    })
    expect(shop.project.read("api.loaded")).toBe(shop.project.read(".env"))
    expect((await shop.run("status")).stdout).toContain("none needs attention")
    expect((await shop.run("report", "leak-7")).stdout).not.toContain("is not written")
  })
})

/** The shop's .env lies in a folder of its own. */
async function openIn(folder: string): Promise<Shop> {
  const shop = await openShop(servers.postgres, { redis: servers.redis })
  const text = JSON.stringify(configOf(shop)).replaceAll('".env"', `"${folder}/.env"`)
  shop.project.configure(JSON.parse(text) as object)
  for (const hook of ["restart-api", "health-api"])
    shop.project.write(hook, shop.project.read(hook).replaceAll(".env", `${folder}/.env`), 0o700)
  return shop
}

test("its folder was taken away", async () => {
  await using shop = await openIn("app")
  shop.project.write("app/.env", shop.project.read(".env"))
  await shop.adopt()
  renameSync(shop.project.path("app"), shop.project.path("away"))
  const verdicts = await verdictsOf(shop)
  expect(verdicts["redis"]).toMatchObject({
    kind: "contained",
    unwritten: { outputs: { [shop.project.path("app/.env")]: { code: "output-folder-missing" } } },
  })
  expect(await shop.login(shop.old)).toBe("WRONGPASS")
  renameSync(shop.project.path("away"), shop.project.path("app"))
  expect((await shop.run("rotate-now", "production", ...incident)).code).toBe(0)
  expect(shop.project.variable("REDIS_PASSWORD", "api.loaded")).toBe(
    shop.project.variable("REDIS_PASSWORD", "app/.env"),
  )
})

test.skipIf(whyNoDisk !== undefined).each(["full", "read-only"] as const)(
  `its disk is %s${whyNoDisk === undefined ? "" : `: ${whyNoDisk}`}`,
  async (how) => {
    await using shop = await openIn("disk")
    using disk = new SmallDisk(shop.project.path("disk"))
    shop.project.write("disk/.env", shop.project.read(".env"))
    await shop.adopt()
    if (how === "full") disk.fill()
    else disk.readOnly()
    expect((await verdictsOf(shop))["redis"]).toMatchObject({
      kind: "contained",
      unwritten: { programs: ["api"] },
    })
    expect(await shop.login(shop.old)).toBe("WRONGPASS")
    if (how === "full") disk.empty()
    else disk.writable()
    expect((await verdictsOf(shop))["redis"]).not.toHaveProperty("unwritten")
    expect(await shop.login(shop.project.variable("REDIS_PASSWORD", "api.loaded"))).toBe("in")
  },
)

test("it is edited while the service takes the new value: what was drafted is not put in its place", async () => {
  await using shop = await openShop(servers.postgres, { redis: servers.redis })
  await using relay = await startRelay(servers.redis.port)
  const text = JSON.stringify(configOf(shop))
  shop.project.configure(
    JSON.parse(
      text.replaceAll(`127.0.0.1:${servers.redis.port}`, `127.0.0.1:${relay.port}`),
    ) as object,
  )
  await shop.adopt()
  const before = shop.project.read(".env")
  relay.watch((sent) => {
    if (/SETUSER[^]*#/.test(sent))
      shop.project.write(".env", before.replace(/PASSWORD=.*/, "PASSWORD=zzz"))
    return "pass"
  })
  const ran = await shop.run("rotate-now", "production", ...incident)
  expect({ code: ran.code, login: await shop.login(shop.old) }).toEqual({
    code: 5,
    login: "WRONGPASS",
  })
  expect(shop.project.variable("REDIS_PASSWORD")).toBe("zzz")
  expect((await shop.run("status")).stdout).toContain("is not written since")
  shop.project.write(".env", before)
  expect((await shop.run("rotate-now", "production", ...incident)).code).toBe(0)
  expect(await shop.service.login(shop.service.shown(shop.project))).toBe("in")
})

test("a program that edits its file when it is restarted, and gets sick, keeps no rotation on its way back against a containment", async () => {
  await using shop = await openShop(servers.postgres, { redis: servers.redis })
  await shop.adopt()
  const before = shop.project.read(".env")
  shop.project.script(
    "restart-api",
    "cp .env api.loaded",
    "sed -i s/PASSWORD=.*/PASSWORD=zzz/ .env",
  )
  shop.project.script(
    "health-api",
    "[ ! -e api.loaded ] || ! cmp -s api.loaded .env || exit 0; exit 1",
  )
  shop.project.write("api.loaded", before)
  // It would ask again and again whether the file can be put back.
  const turned = Bun.spawn([binary, "rotate-now", "production"], {
    cwd: shop.project.folder,
    env: shop.project.environment,
    stdio: ["ignore", "ignore", "ignore"],
  })
  const direction = async (): Promise<string | undefined> =>
    (await stateOf(shop.project))?.changeSet?.direction
  await until("it goes back", async () => (await direction()) === "back", 20_000)
  turned.kill("SIGKILL")
  await turned.exited
  const ran = await shop.run("rotate-now", "production", ...incident)
  expect({ code: ran.code, out: ran.code === 5 ? "" : ran.stdout }).toEqual({ code: 5, out: "" })
  expect(await shop.login(shop.old)).toBe("WRONGPASS")
  expect((await stateOf(shop.project))?.changeSet).toBeUndefined()
  expect(shop.project.variable("REDIS_PASSWORD")).toBe("zzz")
})

test("a dry run says which file would stay as it is, and changes nothing", async () => {
  await using shop = await openShop(servers.postgres, { redis: servers.redis })
  await shop.adopt()
  bent["a line of it holds an unknown value"]?.(shop)
  const before = shop.project.snapshot()
  const ran = await shop.run("rotate-now", "production", "--contain", "--dry-run")
  expect(ran.code).toBe(5)
  expect(ran.stdout).toContain(`OWED ${shop.project.path(".env")} would stay as it is`)
  expect(ran.stdout).not.toContain("restart-api")
  expect(shop.project.read(".env")).toBe(
    before["project/.env"]?.split(" ").slice(3).join(" ") ?? "",
  )
  expect(await shop.login(shop.old)).toBe("in")
})

describe("one of two outputs", () => {
  async function openTwo(): Promise<Shop> {
    const shop = await openShop(servers.postgres, { two: true })
    const { environments, ...rest } = configOf(shop)
    const { production } = environments
    const outputs = (production?.["outputs"] ?? []) as readonly {
      readonly variables: Readonly<Record<string, string>>
    }[]
    // The second program reads the role's password, too.
    shop.project.configure({
      ...rest,
      environments: {
        production: {
          ...production,
          outputs: [
            outputs[0],
            {
              ...outputs[1],
              variables: { ...outputs[1]?.variables, DATABASE_PASSWORD: "{{ postgres.password }}" },
            },
          ],
        },
      },
    })
    const line = `DATABASE_PASSWORD=${shop.old}\n`
    shop.project.write("session.env", `${shop.project.read("session.env")}${line}`)
    await shop.adopt()
    return shop
  }
  const drift = (shop: Shop): void =>
    shop.project.write(
      "session.env",
      shop.project.read("session.env").replace(/DATABASE_PASSWORD=.*/, "DATABASE_PASSWORD=zzz"),
    )

  test("the other is written, and its program restarted; run ends the debt by itself once the file is right", async () => {
    await using shop = await openTwo()
    const before = shop.project.read("session.env")
    drift(shop)
    const verdicts = await verdictsOf(shop, "--revoke-first")
    expect(verdicts["postgres"]).toMatchObject({
      kind: "contained",
      unwritten: {
        outputs: { [shop.project.path("session.env")]: { code: "output-drift" } },
        programs: ["web"],
      },
    })
    expect([await shop.login(shop.old), await shop.login(shop.shown)]).toEqual(["28P01", "in"])
    expect(shop.project.read("api.loaded")).toBe(shop.project.read(".env"))
    expect(shop.project.has("web.log")).toBe(false)
    // No service asks for the session key, and its one reader goes on with the compromised one.
    expect(verdicts["session_key"]).toMatchObject({ kind: "not-contained", code: "output-drift" })

    expect((await shop.run("run", "--once")).code).toBe(7)
    shop.project.write("session.env", before)
    const turn = await shop.run("run", "--once")
    expect(turn.stderr).toContain("session.env")
    expect(shop.project.variable("DATABASE_PASSWORD", "session.env")).toBe(shop.shown)
    expect(shop.project.read("web.loaded")).toBe(shop.project.read("session.env"))
    expect((await stateOf(shop.project))?.secrets["postgres"]).not.toHaveProperty("unwritten")
  })

  test("a value that no service asks for is not contained while one of its readers has the old one", async () => {
    await using shop = await openShop(servers.postgres, { two: true })
    const text = JSON.stringify(configOf(shop))
    const both = `"variables":{"SESSION_KEY":"{{ session_key.password }}",`
    shop.project.configure(JSON.parse(text.replace(`"variables":{`, both)) as object)
    shop.project.write(".env", `${shop.project.read(".env")}SESSION_KEY=${firstKey}\n`)
    await shop.adopt()
    const before = shop.project.read(".env")
    shop.project.write(".env", before.replace(/PASSWORD=.*/, "PASSWORD=zzz"))
    const verdicts = await verdictsOf(shop)
    expect([verdicts["postgres"]?.kind, verdicts["session_key"]]).toMatchObject([
      "contained",
      { kind: "not-contained", code: "output-owed" },
    ])
    // The other reader has the new one, and refuses the old.
    expect(shop.project.variable("SESSION_KEY", "web.loaded")).not.toBe(firstKey)
    expect((await shop.run("check", "--quick")).stdout).toContain(
      "api may still take the old value",
    )
    expect((await shop.run("report", "leak-7")).code).toBe(7)
    shop.project.write(".env", before)
    expect((await verdictsOf(shop))["session_key"]).toMatchObject({ kind: "contained" })
    expect(shop.project.variable("SESSION_KEY", "api.loaded")).toBe(
      shop.project.variable("SESSION_KEY", "web.loaded"),
    )
    expect((await shop.run("report", "leak-7")).code).toBe(0)
  })

  test("a rotation that is no containment is refused as before, before any value exists", async () => {
    await using shop = await openTwo()
    drift(shop)
    shop.project.write("web.loaded", shop.project.read("session.env"))
    const ran = await shop.run("rotate-now", "production/postgres")
    expect({ code: ran.code, out: ran.stdout }).toMatchObject({ code: 1 })
    expect(ran.stdout).toContain("output-drift")
    expect(await shop.login(shop.old)).toBe("in")
    expect((await stateOf(shop.project))?.secrets["postgres"]?.versions.length).toBe(1)
  })
})

describe("the dry run says how long programs are cut off", () => {
  const applyLine = async (shop: Shop, ...more: readonly string[]): Promise<string> => {
    const dry = await shop.run("rotate-now", "production", "--contain", "--dry-run", ...more)
    return dry.stdout.split("\n").find((line) => line.includes(" gap: ")) ?? dry.stdout
  }

  test.each([["redis"], ["postgres"]] as const)(
    "of %s, whose output cannot be written: until it is; the run then refuses what it shows",
    async (kind) => {
      await using shop = await openShop(
        servers.postgres,
        kind === "redis" ? { redis: servers.redis } : {},
      )
      await shop.adopt()
      const { project } = shop
      renameSync(project.path(".env"), project.path("elsewhere"))
      symlinkSync("elsewhere", project.path(".env"))
      const from = kind === "redis" ? "from the revoke" : "from here"
      expect(await applyLine(shop)).toContain(
        `gap: ${from} until ${project.path(".env")} is written; api is cut off`,
      )
      await shop.run("rotate-now", "production", ...incident, "--yes")
      expect(await shop.login(shop.old)).not.toBe("in")
    },
    60_000,
  )

  test("after the revoke nothing is accepted side by side; with --revoke-first nothing is at all", async () => {
    await using shop = await openShop(servers.postgres, { redis: servers.redis })
    await shop.adopt()
    expect(await applyLine(shop)).toContain(
      "gap: none, old and new are accepted side by side; but from the revoke for what has not " +
        "restarted by then",
    )
    expect(await applyLine(shop, "--revoke-first")).toContain(
      "gap: from here to the last healthy restart",
    )
    rmSync(shop.project.path("restart-api"))
    expect(await applyLine(shop)).toContain(
      "gap: from the revoke until they can be restarted; api is cut off",
    )
  }, 60_000)
})
