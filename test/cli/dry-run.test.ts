import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { program } from "../plugins/drivers/postgres/harness.ts"
import { json } from "../support/mycelium.ts"
import { stateOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, type ShopOptions, openShop } from "../support/shop.ts"

/** What only looks changes nothing, also where a run was killed: its journal stays open, and is named. */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

/**
 * The run died in the restart of the api: the file shows the new value, the program still holds the
 * old one.
 */
async function killed(shop: Shop, selection = "production"): Promise<void> {
  await shop.adopt()
  const restart = shop.project.read("restart-api")
  shop.project.script("restart-api", 'kill -9 "$PPID"; exit 1')
  expect((await shop.run("rotate-now", selection)).signal).toBe("SIGKILL")
  shop.project.script("restart-api", ...restart.trim().split("\n").slice(1))
}

/** All files, but the name of who has the lock: a killed run leaves it, and the next one takes it away. */
function files({ project }: Shop, but: readonly string[] = []): object {
  return Object.fromEntries(
    Object.entries(project.snapshot()).filter(
      ([path]) => ![".lock-holder", ...but].some((end) => path.endsWith(end)),
    ),
  )
}

async function service(shop: Shop): Promise<unknown> {
  return [
    await shop.login(shop.old),
    await shop.login(shop.shown),
    await server.sql(`select rolpassword from pg_authid where rolname like '${shop.role}%'`),
  ]
}

const goingOn =
  /^production: the rotation of \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ is not finished \(going on\): postgres/

async function withKilled(options: ShopOptions, act: (shop: Shop) => Promise<void>): Promise<void> {
  await using shop = await openShop(server, { admin: true, ...options })
  await killed(shop)
  // As an earlier run might have left it: settling ends it.
  await using left = await program(server, shop.role, shop.shown)
  await left.unsafe(
    "set application_name = " +
      `'mycelium/production/postgres#${((await stateOf(shop.project))?.id ?? "").slice(0, 8)}'`,
  )
  const before = [files(shop), await service(shop)]
  await act(shop)
  expect([files(shop), await service(shop)]).toEqual(before)
  expect(
    await server.sql("select 1 from pg_stat_activity where application_name like 'mycelium/%'"),
  ).toHaveLength(1)
  // The journal is what it was: the command itself ends it, with the same value.
  const made = shop.shown
  const ran = await shop.run("rotate-now", "production")
  expect(ran.stdout).toContain("production/postgres: rotated, v2 is current")
  expect([ran.code, shop.shown, shop.project.read("api.loaded")]).toEqual([
    0,
    made,
    shop.project.read(".env"),
  ])
}

describe("after a kill in the restart, nothing is changed by", () => {
  test("rotate-now --dry-run, which names the journal", async () => {
    await withKilled({}, async (shop) => {
      const { stdout, code } = await shop.run("rotate-now", "production", "--dry-run")
      expect(stdout).toMatch(goingOn)
      expect(stdout).toContain(": postgres. Without --dry-run this command ends it first.\n")
      expect(stdout).toContain("Would then rotate nothing of production. Nothing was changed.")
      expect(code).toBe(0)
      const plans = json<{ readonly plans: readonly { readonly unfinished: readonly object[] }[] }>(
        await shop.run("rotate-now", "production", "--dry-run", "--json"),
      ).plans
      expect(plans[0]?.unfinished).toMatchObject([
        { direction: "forward", secrets: ["postgres"], anew: [] },
      ])
    })
  }, 60_000)

  test("--all --contain --dry-run, which says that its value is replaced once more", async () => {
    await withKilled({}, async (shop) => {
      const { stdout, code } = await shop.run("rotate-now", "--all", "--contain", "--dry-run")
      expect(stdout).toMatch(goingOn)
      expect(stdout).toContain(
        "Without --dry-run this command ends it first, then rotates it anew.\n",
      )
      expect(code).toBe(0)
    })
  }, 60_000)

  test("reconcile --dry-run, which settles nothing", async () => {
    await withKilled({}, async (shop) => {
      const { stdout, stderr, code } = await shop.run("reconcile", "production", "--dry-run")
      expect(stdout).toContain(
        "production/postgres: v2 is accepted, but a rotation is not finished yet, " +
          "and ends first (journal-open)",
      )
      expect(stderr).toContain("nothing was changed")
      expect(code).toBe(7)
    })
  }, 60_000)

  test("delete without --yes", async () => {
    await withKilled({}, async (shop) => {
      const { stdout, stderr, code } = await shop.run("delete", "production")
      expect(stdout).toMatch(goingOn)
      expect(stdout).toContain(
        ": postgres. With --yes this command ends it first.\nWould erase production/postgres, for good:",
      )
      expect(stderr).toContain("nothing was changed: add --yes")
      expect(code).toBe(2)
    })
  }, 60_000)

  test("a dry run of a secret that is not in the journal, which is planned as it will be", async () => {
    await using shop = await openShop(server, { two: true })
    await killed(shop, "production/postgres")
    const before = files(shop)
    const { stdout, code } = await shop.run("rotate-now", "production", "--dry-run")
    expect(stdout).toContain("Would then rotate 1 secret of production. Nothing was changed.")
    expect(stdout).toMatch(/1 preflight +session_key +ok/)
    expect(stdout).not.toContain("POSTGRES_PASSWORD")
    expect(code).toBe(0)
    expect(files(shop)).toEqual(before)
  }, 60_000)
})

test("--exposed-in --dry-run writes that values were read, and nothing else", async () => {
  await using shop = await openShop(server)
  await killed(shop)
  const { project } = shop
  project.write("leak.log", `password=${shop.old}\n`)
  const others = (): object => files(shop, ["production.json", "production.audit.jsonl"])
  const before = {
    others: others(),
    service: await service(shop),
    state: await stateOf(project),
    log: readFileSync(project.auditPath(), "utf8"),
  }
  const { stdout, stderr, code } = await shop.run(
    "rotate-now",
    "--exposed-in",
    "leak.log",
    "--dry-run",
  )
  expect(stderr).toContain(
    "exposed   production/postgres  v1 (current) stands in the text, as it is",
  )
  expect(stdout).toMatch(goingOn)
  expect(code).toBe(0)
  const { changeSet, secrets } = (await stateOf(project)) ?? {}
  expect({ changeSet, secrets } as object).toEqual({
    changeSet: before.state?.changeSet,
    secrets: before.state?.secrets,
  })
  expect({ others: others(), service: await service(shop) } as object).toEqual({
    others: before.others,
    service: before.service,
  })
  const log = readFileSync(project.auditPath(), "utf8")
  expect(log.startsWith(before.log)).toBe(true)
  const added = log
    .slice(before.log.length)
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly event: string }).event)
  expect(added.filter((event) => event === "read")).toEqual(["read"])
  // What rode in the state at the kill may be appended with it.
  expect(added.filter((event) => !["read", "verify"].includes(event))).toEqual([])
}, 60_000)

test("going back: the plan says so, and that the old value is then rotated", async () => {
  await using shop = await openShop(server)
  await shop.adopt()
  const { project } = shop
  shop.sicken()
  // The second restart is that of the way back.
  project.script(
    "restart-api",
    "echo restarted >> api.log",
    '[ "$(wc -l < api.log)" -lt 2 ] || { kill -9 "$PPID"; exit 1; }',
    "cp .env api.loaded",
  )
  expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
  const before = [files(shop), await service(shop)]
  const { stdout, code } = await shop.run("rotate-now", "production", "--dry-run")
  expect(stdout).toContain(
    "is not finished (going back): postgres. Without --dry-run this command ends it first, " +
      "then rotates it anew.\n",
  )
  expect(code).toBe(0)
  expect([files(shop), await service(shop)]).toEqual(before)
}, 60_000)
