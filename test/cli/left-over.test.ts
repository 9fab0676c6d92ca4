import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { check } from "../../src/check/check.ts"
import { realHost } from "../../src/base/system/host.ts"
import type { Terminal } from "../../src/cli/command.ts"
import { openConfig } from "../../src/cli/open-config.ts"
import { plugins } from "../../src/plugins/index.ts"
import { type Ran, json } from "../support/mycelium.ts"
import { stateOf, versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"

/** What the config does not have any more, and what a HEALTHCHECK says of what is left undone. */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

type Found = { readonly code: string; readonly severity: string; readonly remedy?: string }
const foundIn = (ran: Ran): readonly Found[] =>
  json<{ readonly findings: readonly Found[] }>(ran).findings.filter(
    ({ severity }) => severity !== "info",
  )
const quick = (shop: Shop): Promise<Ran> => shop.run("check", "--quick", "--json")

/** The command that a remedy ends with, as a person types it. */
function commandIn({ remedy = "" }: Found): readonly string[] {
  return /mycelium (delete [\w/ -]+)$/.exec(remedy)?.[1]?.split(" ") ?? []
}

describe("what is left in the state", () => {
  test("of a renamed secret, goes by the command that check names; its login stays with the new name", async () => {
    await using shop = await openShop(server)
    await shop.adopt()
    const renamed = JSON.stringify(configOf(shop))
      .replaceAll('"postgres":{', '"database":{"driver":"postgres",')
      .replaceAll("{{ postgres.", "{{ database.")
    shop.project.configure(renamed)
    expect((await shop.run("adopt", "production")).code).toBe(0)
    const before = await shop.run("check", "--strict", "--json")
    const [left, ...more] = foundIn(before).filter(({ code }) => code === "state-unlisted")
    expect([before.code, more]).toEqual([4, []])
    const command = commandIn(left ?? { code: "", severity: "" })
    expect(command).toEqual(["delete", "production/postgres", "--login-ended", "--yes"])
    expect((await shop.run(...command)).code).toBe(0)
    const after = await shop.run("check", "--strict", "--json")
    expect({ code: after.code, found: foundIn(after) }).toEqual({ code: 0, found: [] })
    expect([
      await versionsOf(shop.project, "postgres"),
      await shop.login(shop.old),
      shop.shown,
    ]).toEqual([[], "in", shop.old])
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
  }, 60_000)

  test("of a renamed environment, goes the same way, and leaves no finding", async () => {
    await using shop = await openShop(server, { two: true })
    await shop.adopt()
    shop.project.configure(JSON.stringify(configOf(shop)).replaceAll('"production":{', '"live":{'))
    expect((await shop.run("adopt", "live")).code).toBe(0)
    const [left] = foundIn(await shop.run("check", "--json")).filter(
      ({ code }) => code === "state-unlisted",
    )
    const command = commandIn(left ?? { code: "", severity: "" })
    expect(command).toEqual(["delete", "production", "--login-ended", "--yes"])
    const asked = await shop.run("delete", "production", "--keep-login")
    expect([asked.code, asked.stdout.includes("Would erase production/postgres")]).toEqual([
      2,
      true,
    ])
    expect((await shop.run(...command)).code).toBe(0)
    expect(foundIn(await shop.run("check", "--strict", "--json"))).toEqual([])
    expect(
      Object.values((await stateOf(shop.project))?.secrets ?? {}).flatMap(
        ({ versions }) => versions,
      ),
    ).toEqual([])
    expect(await shop.login(shop.old)).toBe("in")
    // No environment is made by a slip of the pen.
    expect((await shop.run("delete", "prodution", "--yes")).code).toBe(2)
    expect(
      shop.project.has(
        join("..", "home", "state", "mycelium", "secrets", "shop", "prodution.json"),
      ),
    ).toBe(false)
  }, 60_000)

  test("of an environment that was deleted and then taken out of the config, is no finding", async () => {
    await using shop = await openShop(server, { admin: true })
    await shop.adopt()
    expect((await shop.run("delete", "production", "--yes")).code).toBe(0)
    shop.project.configure(JSON.stringify(configOf(shop)).replaceAll('"production":{', '"live":{'))
    expect(
      foundIn(await shop.run("check", "--json")).filter(({ code }) => code === "state-unlisted"),
    ).toEqual([])
  }, 60_000)
})

/** What check --quick finds after that many days. */
async function later(shop: Shop, days: number): Promise<readonly string[]> {
  const { environment } = shop.project
  const terminal = {
    host: realHost({ ...environment }),
    cwd: shop.project.folder,
  } as unknown as Terminal
  const config = await openConfig(terminal, {}, () => ({
    next: (after) => new Date(after.getTime() + 60_000),
  }))
  const host = { ...terminal.host, now: () => new Date(Date.now() + days * 86_400_000) }
  const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const results = await check(
    {
      config,
      plugins,
      host,
      me,
      whoAsks: () => ({ user: "test", via: "test" }),
      stop: new AbortController().signal,
    },
    { quick: true, connect: false, fix: false },
  )
  return results
    .flatMap(({ findings }) => findings)
    .filter(({ severity }) => severity === "error")
    .map(({ code, message }) => `${code}: ${message}`)
}

describe("check --quick", () => {
  test("asks no service: one that is down fails no HEALTHCHECK, nor does a rotation that failed for it", async () => {
    await using other = await startPostgres()
    await using shop = await openShop(other)
    await shop.adopt()
    await other.stop()
    expect((await shop.run("rotate-now", "production")).code).not.toBe(0)
    expect([(await quick(shop)).code, foundIn(await quick(shop))]).toEqual([0, []])
  }, 60_000)

  test("says in its help what it fails on", async () => {
    await using shop = await openShop(server)
    const { stdout } = await shop.run("check", "--help")
    for (const words of [
      "HEALTHCHECK",
      "asks no service",
      "overdue by a day",
      "a drift",
      "not contained",
      "a quarter of an hour",
    ])
      expect(stdout).toContain(words)
  })

  test("fails on a rotation that has been due for more than a day, and on no younger one", async () => {
    await using shop = await openShop(server)
    await shop.adopt()
    expect(
      (
        await shop.run(
          "adopt",
          "production",
          "--rotated-at",
          new Date(Date.now() - 60_000).toISOString(),
        )
      ).code,
    ).toBe(0)
    expect(await later(shop, 80)).toEqual([])
    expect(await later(shop, 90.5)).toEqual([])
    expect(await later(shop, 93)).toEqual([
      expect.stringMatching(/^rotation-overdue: production\/postgres was due [23]d/),
    ])
    // One that is never to be rotated is never late.
    shop.project.configure(
      JSON.stringify(configOf(shop)).replace('"rotate_every":"90d"', '"rotate_every":"never"'),
    )
    expect(await later(shop, 900)).toEqual([])
  })
})
