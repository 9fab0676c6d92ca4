import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { clientOf, sessionsOf } from "../support/login.ts"
import { binary, json } from "../support/mycelium.ts"
import { stateOf, versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/**
 * `rotate-now --contain`, carried on with the same incident: what an earlier run has made counts
 * only as long as it holds.
 */

let postgres: PostgresServer
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())

const contain = ["rotate-now", "production", "--contain", "--incident", "leak-7", "--json"]
type Report = {
  readonly reports: readonly {
    readonly outcomes: Readonly<Record<string, { readonly kind: string }>>
    readonly before: readonly string[]
  }[]
}

describe("the same incident makes another value if a person has replaced the fresh one", () => {
  /** v2 is current; v1 is refused, but its session lives on. */
  async function halfDone(shop: Shop): Promise<Bun.SQL> {
    await shop.adopt()
    // It may no longer act as a member of other roles: so it cannot end their sessions.
    await postgres.sql(`alter role ${shop.role}_admin noinherit`)
    const intruder = clientOf(postgres, shop.role, shop.old)
    await intruder.unsafe("select 1")
    expect((await shop.run(...contain)).code).toBe(5)
    expect(
      (await versionsOf(shop.project, "postgres")).map(({ id, stage }) => `${id} ${stage}`),
    ).toEqual(["v1 retired", "v2 current"])
    await postgres.sql(`alter role ${shop.role}_admin inherit`)
    return intruder
  }
  async function noticed(shop: Shop): Promise<void> {
    shop.project.configure({ ...configOf(shop), watch: "10s" })
    const service = Bun.spawn([binary, "run"], {
      cwd: shop.project.folder,
      env: shop.project.environment,
      stdio: ["ignore", "ignore", "ignore"],
    })
    await until(
      "it notices",
      async () => (await stateOf(shop.project))?.secrets["postgres"]?.drift !== undefined,
      20_000,
    )
    service.kill("SIGTERM")
    await service.exited
  }
  async function expectFresh(shop: Shop, version: string): Promise<void> {
    const ran = await shop.run(...contain)
    expect({ code: ran.code, report: json<Report>(ran).reports[0] }).toMatchObject({
      code: 0,
      report: { outcomes: { postgres: { kind: "rotated", version } }, before: [] },
    })
    expect([
      await shop.login(shop.old),
      await shop.login("Intruders-own-password.1"),
      await shop.login(shop.shown),
    ]).toEqual(["28P01", "28P01", "in"])
    // Our own login above takes a moment to end at the server; the intruder's would not end by itself.
    await until("no session is left", async () => (await sessionsOf(postgres, shop.role)) === 0)
    expect((await shop.run("status")).stdout).toContain("none needs attention")
  }

  test("a password that was changed, of which the service knows", async () => {
    await using shop = await openShop(postgres, { admin: true })
    const intruder = await halfDone(shop)
    await intruder.unsafe(`alter role ${shop.role} password 'Intruders-own-password.1'`)
    await noticed(shop)
    await expectFresh(shop, "v3")
    await intruder.close().catch(() => undefined)
  }, 60_000)

  test.each([true, false])(
    "a password that was changed once all was contained (an admin: %p)",
    async (admin) => {
      await using shop = await openShop(postgres, { admin })
      await shop.adopt()
      expect((await shop.run(...contain)).code).toBe(0)
      await shop.setPassword("Intruders-own-password.1")
      await noticed(shop)
      if (admin) return await expectFresh(shop, "v3")
      const ran = await shop.run(...contain)
      expect({ code: ran.code, report: json<Report>(ran).reports[0] }).toMatchObject({
        code: 7,
        report: { outcomes: { postgres: { kind: "left" } }, before: [] },
      })
      const report = await shop.run("report", "leak-7")
      expect({
        code: report.code,
        message: report.stdout.includes(
          "contained once, as v2, but its value has been changed from outside since",
        ),
      }).toEqual({ code: 7, message: true })
      // As the hint says: a new one by hand, adopted, then the same command again.
      await shop.setPassword("Made-by-hand.1")
      shop.project.write("given.json", JSON.stringify({ postgres_password: "Made-by-hand.1" }))
      expect((await shop.run("adopt", "production", "--from", "given.json")).code).toBe(7)
      expect(json<Report>(await shop.run(...contain)).reports[0]).toMatchObject({
        outcomes: { postgres: { kind: "rotated" } },
        before: [],
      })
      expect([
        await shop.login("Made-by-hand.1"),
        await shop.login(shop.shown),
        (await shop.run("report", "leak-7")).code,
      ]).toEqual(["28P01", "in", 0])
    },
    60_000,
  )

  test("a value that was adopted", async () => {
    await using shop = await openShop(postgres, { admin: true })
    const intruder = await halfDone(shop)
    await intruder.unsafe(`alter role ${shop.role} password 'Intruders-own-password.1'`)
    shop.project.write(
      "given.json",
      JSON.stringify({ postgres_password: "Intruders-own-password.1" }),
    )
    const adopted = await shop.run("adopt", "production", "--from", "given.json")
    expect({ code: adopted.code, out: adopted.stdout }).toMatchObject({
      code: 7,
      out: expect.stringContaining(
        "hint: this ends it: mycelium rotate-now production/postgres --contain --incident leak-7",
      ),
    })
    await expectFresh(shop, "v4")
    await intruder.close().catch(() => undefined)
  }, 60_000)
})
