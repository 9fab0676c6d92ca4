import { describe, expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { openGenerated } from "../support/generated.ts"
import { type Project, type Ran, json } from "../support/mycelium.ts"
import { stateOf } from "../support/sealed.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, openShop } from "../support/shop.ts"

/**
 * A value that a containment took away is accepted again, or a state from before the containment is
 * back: it is said, and not called contained.
 */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak-7"]

type Told = { readonly status: boolean; readonly check: boolean; readonly report: number }

/** Do status and check say that it is not contained, and what is the report's exit code? */
async function told(project: Project, incident = "leak-7"): Promise<Told> {
  const status = await project.mycelium(["status"])
  const check = await project.mycelium(["check", "--quick", "--json"])
  const report = await project.mycelium(["report", incident])
  return {
    status: status.stdout.includes("NOT contained"),
    check: check.stdout.includes('"not-contained"'),
    report: report.code ?? -1,
  }
}
const notContained: Told = { status: true, check: true, report: 7 }
const contained: Told = { status: false, check: false, report: 0 }

async function done(ran: Promise<Ran>, code = 0): Promise<Ran> {
  const all = await ran
  if (all.code !== code) throw new Error(`${all.code}: ${all.stdout}${all.stderr}`)
  return all
}

const services = [
  ["postgres", (): Promise<Shop> => openShop(servers.postgres, { admin: true })],
  ["redis", (): Promise<Shop> => openShop(servers.postgres, { redis: servers.redis })],
] as const

/** Contained; then a person sets the value of before again. */
async function setAgain(shop: Shop): Promise<void> {
  await shop.adopt()
  const [held, env] = [await shop.service.held(), shop.project.read(".env")]
  await done(shop.run(...contain))
  expect(await told(shop.project)).toEqual(contained)
  await shop.service.hold(held)
  expect(await shop.login(shop.old)).toBe("in")
  shop.project.write(".env", env)
  shop.project.write("api.loaded", env)
}

describe("a value that a containment took away, set again at its service", () => {
  test.each(services)(
    "adopted (%s): it says so, and all that tell of it; the same incident makes a fresh one",
    async (secret, open) => {
      await using shop = await open()
      await setAgain(shop)
      const adopted = await done(shop.run("adopt", "production"), 7)
      expect(adopted.stdout).toContain(
        "; NOT contained in leak-7, because it is the value of v1, which a containment took away",
      )
      expect(adopted.stdout).toContain(
        `hint: this ends it: mycelium rotate-now production/${secret} --contain --incident leak-7`,
      )
      expect(await told(shop.project)).toEqual(notContained)
      // A rotation ends no older session: only a containment ends it.
      await done(shop.run("rotate-now", "production"))
      expect(await told(shop.project)).toEqual(notContained)
      const again = await done(shop.run(...contain))
      expect(again.stdout).not.toContain("contained before")
      expect(await shop.login(shop.old)).not.toBe("in")
      expect(await told(shop.project)).toEqual(contained)
    },
    60_000,
  )

  test("found by reconcile", async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    await setAgain(shop)
    const found = await done(shop.run("reconcile", "production"), 7)
    expect(found.stdout).toContain("production/postgres: NOT contained in leak-7")
    expect(await told(shop.project)).toEqual(notContained)
    const again = await done(shop.run(...contain))
    expect(again.stdout).not.toContain("contained before")
    expect(await shop.login(shop.old)).not.toBe("in")
    expect(await told(shop.project)).toEqual(contained)
  }, 60_000)

  test("one that no service asks for, given to adopt", async () => {
    await using project = await openGenerated({}, ["alpha"])
    const old = project.read("alpha.env")
    await done(project.mycelium(contain))
    project.write("alpha.env", old)
    project.write(
      "given.json",
      JSON.stringify({ alpha_password: project.variable("ALPHA", "alpha.env") }),
    )
    const adopted = await done(project.mycelium(["adopt", "production", "--from", "given.json"]), 7)
    expect(adopted.stdout).toContain("it is the value of v1, which a containment took away")
    expect(await told(project)).toEqual(notContained)
    const again = await done(project.mycelium(contain))
    expect(again.stdout).not.toContain("contained before")
    expect(await told(project)).toEqual(contained)
  }, 60_000)

  test("taken away by an earlier incident: that one's report says so, too", async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    await shop.adopt()
    const [held, env] = [await shop.service.held(), shop.project.read(".env")]
    await done(shop.run(...contain))
    await done(shop.run(...contain.slice(0, -1), "leak-8"))
    await shop.service.hold(held)
    shop.project.write(".env", env)
    await done(shop.run("adopt", "production"), 7)
    expect(await told(shop.project, "leak-7")).toEqual(notContained)
    expect(await told(shop.project, "leak-8")).toEqual(notContained)
    await done(shop.run(...contain))
    expect(await told(shop.project, "leak-7")).toEqual(contained)
    expect(await told(shop.project, "leak-8")).toEqual(contained)
  }, 60_000)
})

describe("a state from before a containment, put back", () => {
  test("reconcile notes what the log says of it; check does not offer to write the leaked value", async () => {
    await using project = await openGenerated({}, ["alpha"])
    const before = readFileSync(project.statePath())
    await done(project.mycelium(contain))
    const fresh = project.read("alpha.env")
    writeFileSync(project.statePath(), before)
    const early = await project.mycelium(["check", "--json"])
    expect(early.stdout).toContain('"output-drift"')
    expect(early.stdout).not.toContain("if the state is: empty that variable")
    const dry = await project.mycelium(["reconcile", "production", "--dry-run"])
    expect(dry.stdout).toContain("production/alpha: NOT contained in leak-7")
    const found = await project.mycelium(["reconcile", "production"])
    expect(found.stdout).toContain("production/alpha: NOT contained in leak-7")
    expect(found.stdout).not.toContain("mycelium render")
    expect(await told(project)).toEqual(notContained)
    const report = await project.mycelium(["report", "leak-7"])
    expect(report.stdout).toContain("a state from before that was put back since")
    const late = await project.mycelium(["check", "--json"])
    expect(late.stdout).toContain('"output-drift"')
    expect(late.stdout).not.toContain("if the state is: empty that variable")
    const written = await project.mycelium(["render", "production"])
    expect(written.stderr).toContain("alpha.env: ALPHA is not overwritten")
    expect(written.stderr).not.toContain("empty it")
    expect(written.stderr).toContain("if the file is right: mycelium adopt production")
    // The file is right: it holds what the containment made.
    await done(project.mycelium(["adopt", "production"]), 7)
    expect(project.read("alpha.env")).toBe(fresh)
    expect(await told(project)).toEqual(notContained)
    await done(project.mycelium(contain))
    expect(await told(project)).toEqual(contained)
  }, 60_000)

  test("what was chosen and not contained stays so, though the state of before knows nothing of it", async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    await shop.adopt()
    const before = readFileSync(shop.project.statePath())
    await servers.postgres.sql(`alter role ${shop.role}_admin noinherit`)
    await servers.postgres.sql(`alter role ${shop.role}_admin nologin`)
    expect((await shop.run(...contain)).code).not.toBe(0)
    expect((await stateOf(shop.project))?.secrets["postgres"]?.uncontained).toBeDefined()
    await servers.postgres.sql(`alter role ${shop.role}_admin inherit`)
    await servers.postgres.sql(`alter role ${shop.role}_admin login`)
    writeFileSync(shop.project.statePath(), before)
    await done(shop.run("reconcile", "production"), 7)
    expect(await told(shop.project)).toEqual(notContained)
    await done(shop.run("adopt", "production"), 7)
    expect(await told(shop.project)).toEqual(notContained)
    type Status = { readonly environments: readonly unknown[] }
    expect(JSON.stringify(json<Status>(await shop.run("status", "--json")))).toContain("leak-7")
  }, 60_000)
})
