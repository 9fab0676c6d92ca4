import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import type { IncidentReport } from "../../src/incident/report/model.ts"
import { json } from "../support/mycelium.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, openShop } from "../support/shop.ts"

/** Other runs change a secret after an incident has begun, and before it is contained. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak-7"]

/** The incident has begun, and could not change anything: nothing lets the admin in. */
async function begun(shop: Shop): Promise<void> {
  await shop.adopt()
  const config = shop.project.read("mycelium.yaml")
  shop.project.write("wrong", "not-the-password")
  const parsed = JSON.parse(config)
  const [secret] = Object.values<Record<string, unknown>>(parsed.environments.production.secrets)
  if (secret?.["admin"] === undefined) throw new Error("this shop has no admin")
  Object.assign(secret, {
    admin: { ...(secret["admin"] as object), password: { file: shop.project.path("wrong") } },
  })
  shop.project.configure(parsed)
  expect((await shop.run(...contain)).code).toBe(7)
  shop.project.configure(config)
}

async function reported(
  shop: Shop,
): Promise<{ readonly report: IncidentReport; readonly text: string }> {
  return {
    report: json<IncidentReport>(await shop.run("report", "leak-7", "--json")),
    text: (await shop.run("report", "leak-7")).stdout,
  }
}

const rows = ({ secrets }: IncidentReport): unknown =>
  secrets.map(({ from, to, contained, dead }) => ({
    from,
    to,
    contained,
    dead: dead.map(({ version }) => version),
  }))

describe("an ordinary rotation between the beginning of an incident and its containment", () => {
  test("the report tells of the value that leaked, and of the proof that it is dead", async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    await begun(shop)
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    const between = await reported(shop)
    expect(rows(between.report)).toEqual([
      { from: "v1", to: undefined, contained: false, dead: ["v1"] },
    ])
    expect((await shop.run(...contain)).code).toBe(0)
    const { report, text } = await reported(shop)
    expect(rows(report)).toEqual([{ from: "v1", to: "v3", contained: true, dead: ["v1", "v2"] }])
    expect(text).toMatch(
      /\| production\/postgres \| v1 \| v3 \| .* \| v1: login refused at .*; v2: login refused at .*\|/,
    )
    expect(text).toContain("Its service refused the old value of it")
    expect(text).toContain(
      "production/postgres: v2 was made after the incident began, by a run that was no part of it",
    )
  }, 60_000)

  test("a later incident that contains it: the report of the first tells of the same value", async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    await begun(shop)
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    const other = ["rotate-now", "production", "--contain", "--yes", "--incident", "other"]
    expect((await shop.run(...other)).code).toBe(0)
    const { report, text } = await reported(shop)
    expect(rows(report)).toEqual([{ from: "v1", to: "v3", contained: true, dead: ["v1", "v2"] }])
    expect(text).toContain("production/postgres: contained later, by other")
  }, 60_000)

  test("a value that a person adopted between is not the one that leaked, and its end proves nothing of that", async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    await begun(shop)
    await shop.setPassword("By-hand-0123456789abcdef")
    shop.project.write(
      ".env",
      readFileSync(shop.project.path(".env"), "utf8").replace(
        /^POSTGRES_PASSWORD=.*$/m,
        "POSTGRES_PASSWORD=By-hand-0123456789abcdef",
      ),
    )
    const adopted = await shop.run("adopt", "production")
    expect(adopted.stdout).toContain("postgres: adopted as v2")
    expect((await shop.run(...contain)).code).toBe(0)
    const { report, text } = await reported(shop)
    expect(rows(report)).toEqual([{ from: "v1", to: "v3", contained: true, dead: ["v2"] }])
    expect(text).not.toContain("Its service refused the old value of it")
    expect(text).toContain("For it no proof that the old value is dead is in the log")
  }, 60_000)

  test("two values side by side: the one that leaked stays in its grace, and the containment takes both away", async () => {
    await using shop = await openShop(servers.postgres, {
      redis: servers.redis,
      secret: { grace: "1h" },
    })
    await begun(shop)
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    expect((await shop.run(...contain)).code).toBe(0)
    const { report } = await reported(shop)
    expect(rows(report)).toEqual([{ from: "v1", to: "v3", contained: true, dead: ["v1", "v2"] }])
  }, 60_000)
})
