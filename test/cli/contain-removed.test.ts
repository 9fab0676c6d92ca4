import { describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { login } from "../support/login.ts"
import { json } from "../support/mycelium.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { type Config, type Shop, configOf, openShop } from "../support/shop.ts"

/**
 * An environment that is taken out of the config in the middle of an incident is part of the
 * incident still.
 */

const servers = serversOfFile({ postgres: startPostgres })
const all = ["rotate-now", "--all", "--contain", "--yes", "--incident", "leak-7"]

type Two = AsyncDisposable & { readonly shop: Shop; readonly both: Config; readonly old: string }

/** staging/db cannot be contained: its admin is refused. */
async function open(): Promise<Two> {
  const shop = await openShop(servers.postgres, { admin: true })
  const role = `${shop.role}_stag`
  const old = `Old-${randomBytes(9).toString("hex")}.1`
  await servers.postgres.sql(`create role ${role} login password '${old}'`)
  const { environments, ...rest } = configOf(shop)
  const address = `postgresql://127.0.0.1:${servers.postgres.port}/postgres`
  const admin = { user: `${shop.role}_admin`, password: { file: "wrong.password" } }
  const both = {
    ...rest,
    environments: {
      ...environments,
      staging: {
        rotate_every: "90d",
        secrets: { db: { driver: "postgres", address, role, admin } },
        outputs: [{ dotenv: "staging.env", variables: { DB: "{{ db.password }}" }, merge: true }],
      },
    },
  }
  shop.project.write("wrong.password", "wrong\n")
  shop.project.write("staging.env", `DB=${old}\n`)
  shop.project.configure(both)
  await shop.adopt()
  expect((await shop.run("adopt", "staging")).code).toBe(0)
  return { shop, both, old, [Symbol.asyncDispose]: () => shop[Symbol.asyncDispose]() }
}

const isLive = ({ shop, old }: Two): Promise<string> =>
  login(servers.postgres, `${shop.role}_stag`, old)

describe("an environment that was taken out of the config", () => {
  test("after a containment that it is part of: neither the command nor the report calls all contained", async () => {
    await using two = await open()
    const { shop } = two
    const first = await shop.run(...all)
    expect([first.code, first.stdout.includes("1 left")]).toEqual([7, true])
    shop.project.configure(configOf(shop))
    const again = await shop.run(...all)
    expect(again.stdout).toContain(
      "staging/db: NOT changed: it is in the state and not in the config",
    )
    expect(again.stdout).toContain("mycelium delete staging/db --login-ended --yes")
    expect(again.stdout).toContain("leak-7: NOT all contained, 1 left")
    const report = await shop.run("report", "leak-7")
    expect(report.stdout).toContain("Contained: NOT yet. 1 of 2 secrets")
    expect(report.stdout).toContain("| staging/db |")
    expect(report.stdout).not.toContain("rotate-now staging")
    expect([again.code, report.code, await isLive(two)]).toEqual([7, 7, "in"])
    // Only what the config names is chosen: what is left of the incident is said all the same.
    const some = await shop.run("rotate-now", "production", ...all.slice(2))
    expect(some.stdout).toContain(
      "staging/db: NOT contained; it was chosen for this incident before",
    )
    expect([some.code, some.stdout.includes("leak-7: contained")]).toEqual([7, false])
    const said = json<{ readonly elsewhere: unknown }>(
      await shop.run("rotate-now", "production", ...all.slice(2), "--json"),
    )
    expect(said.elsewhere).toMatchObject([{ environment: "staging", secret: "db" }])
    // As its hint says.
    expect((await shop.run("delete", "staging/db", "--login-ended", "--yes")).code).toBe(0)
    expect((await shop.run(...all)).code).toBe(0)
  }, 60_000)

  test("before a containment of all: its values count, and put back it is contained", async () => {
    await using two = await open()
    const { shop } = two
    shop.project.configure(configOf(shop))
    const ran = await shop.run(...all)
    expect(ran.stdout).toContain("leak-7: NOT all contained, 1 left")
    expect([ran.code, (await shop.run("report", "leak-7")).code]).toEqual([7, 7])
    expect((await shop.run("status")).stdout).toContain("db: NOT contained in leak-7")
    shop.project.configure(two.both)
    shop.project.write("wrong.password", shop.project.read("admin.password"))
    expect([
      (await shop.run(...all)).code,
      (await shop.run("report", "leak-7")).code,
      await isLive(two),
    ]).toEqual([0, 0, "28P01"])
  }, 60_000)

  test("that cannot be opened: it is left, whatever is in it", async () => {
    await using two = await open()
    const { shop } = two
    shop.project.configure(configOf(shop))
    shop.project.write(shop.project.statePath("staging"), "{")
    const ran = await shop.run(...all)
    expect(ran.stdout).toContain("staging: NOT finished")
    expect(ran.stdout).toContain("leak-7: NOT all contained, 1 left")
    expect([ran.code, (await shop.run("report", "leak-7")).code]).toEqual([7, 7])
  }, 60_000)
})
