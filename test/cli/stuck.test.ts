import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { auditFaults, stateOf, versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"
import { expectClear } from "./refused.ts"

/**
 * A run is killed, then a person changes the password of a role without an admin: who knows it ends
 * the rotation with it.
 */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

const byHand = "Set-by-hand.0123456789abcdef"

/** Killed in a restart of the api: in the first one, or, where that one fails, in that of the way back. */
async function killed(shop: Shop, back = false, ...how: readonly string[]): Promise<void> {
  await shop.adopt()
  const { project } = shop
  const restart = project.read("restart-api")
  if (back) shop.sicken()
  project.script(
    "restart-api",
    "echo restarted >> api.log",
    `[ "$(wc -l < api.log)" -lt ${back ? 2 : 1} ] || { kill -9 "$PPID"; exit 1; }`,
    "cp .env api.loaded",
  )
  expect((await shop.run("rotate-now", "production", ...how)).signal).toBe("SIGKILL")
  project.script("restart-api", ...restart.trim().split("\n").slice(1))
  if (back) project.script("health-api", "cmp -s .env api.loaded")
}

async function stages(shop: Shop, secret = "postgres"): Promise<readonly string[]> {
  return (await versionsOf(shop.project, secret)).map(({ id, stage }) => `${id} ${stage}`)
}

describe.each([
  ["in the first restart", false],
  ["in that of the way back", true],
] as const)("a password that is changed after a kill %s", (_, back) => {
  test("is said, with the way out; nothing is decided", async () => {
    await using shop = await openShop(server)
    await killed(shop, back)
    await shop.setPassword(byHand)
    const before = [shop.project.read(".env"), await stages(shop)]
    const ran = await shop.run("rotate-now", "production")
    expect(ran.stdout).toContain(
      "production/postgres: STUCK: the service refuses every value that we know: " +
        "a person has changed it there, or the login is off (stuck)",
    )
    expect(ran.stdout).toContain(
      "hint: if you know the password that works, give it: mycelium adopt production --ask",
    )
    expect(ran.code).toBe(7)
    expect([shop.project.read(".env"), await stages(shop)]).toEqual(before)
    const quick = await shop.run("check", "--quick")
    expect(quick.stdout).toMatch(
      /FAIL {2}journal-stuck: production: a rotation that began .* ago is not finished: .*; the service of production\/postgres refuses every value that we know; production\/api (may hold|holds) a value that no longer works/,
    )
    expect(quick.code).toBe(4)
    // No run ends it, so none is said to.
    const once = await shop.run("run", "--once")
    expect(once.stderr).toMatch(
      /production\/api .*cut off: .*; only a person can end this rotation: production\/postgres: the service refuses every value that we know: .* \(stuck\); mycelium adopt production --ask takes over the value that works, and ends it/,
    )
    expect(once.stderr).not.toMatch(/it finishes (going back|what was begun)/)
    expect(once.code).toBe(7)
    const known = back ? "v1" : "v2"
    const adopted = await shop.run("adopt", "production")
    expect(adopted.stdout).toContain(
      `production/postgres: not adopted: it is known as ${known}, but the service refuses it`,
    )
    expect(adopted.stdout).toContain("mycelium adopt production --ask")
    // Its programs are cut off until that is ended.
    expect(adopted.code).toBe(7)
    const reconciled = await shop.run("reconcile", "production")
    expect(reconciled.stdout).toContain("mycelium adopt production --ask")
    expect(reconciled.code).toBe(7)
    // Set back to what the output shows, the rotation ends as it would have.
    await shop.setPassword(shop.shown)
    const again = await shop.run("rotate-now", "production")
    expect(again.stdout).toContain(
      back
        ? "production/postgres: rotated, v3 is current"
        : "production/postgres: rotated, v2 is current",
    )
    expect(again.code).toBe(0)
  }, 60_000)

  test.each([
    ["given", true],
    ["in the output", false],
  ] as const)(
    "ends the rotation once it is adopted, %s",
    async (__, given) => {
      await using shop = await openShop(server, { two: true })
      const { project } = shop
      await killed(shop, back)
      await shop.setPassword(byHand)
      if (given) project.write("given.json", JSON.stringify({ postgres_password: byHand }))
      else project.write(".env", project.read(".env").replace(shop.shown, byHand))
      const ran = await shop.run("adopt", "production", ...(given ? ["--from", "given.json"] : []))
      expect(ran.stdout).toContain(
        "production/postgres: adopted as v3: a login with it works, one with a wrong value is " +
          "refused; its age is unknown, so it is due at the next scheduled time; " +
          "the rotation that was not finished ends with it; " +
          `${given ? `written: ${project.path(".env")}; ` : ""}restarted: api`,
      )
      expect(ran.stdout).not.toContain("not adopted")
      expect(ran.code).toBe(0)
      expectClear(ran.stdout + ran.stderr, [byHand, shop.old])
      expect([shop.shown, project.read("api.loaded")]).toEqual([byHand, project.read(".env")])
      expect(await stages(shop)).toEqual(["v1 retired", "v2 retired", "v3 current"])
      expect((await stateOf(project))?.changeSet).toBeUndefined()
      expect(auditFaults(project)).toEqual([])
      expect((await shop.run("audit", "verify")).code).toBe(0)
      // Both secrets can be rotated again, and what programs hold is what files show.
      const after = await shop.run("rotate-now", "production")
      expect(after.stdout).toContain("production/postgres: rotated, v4 is current")
      expect(after.code).toBe(0)
      expect([
        await shop.login(shop.shown),
        await shop.login(byHand),
        project.read("api.loaded"),
        project.read("web.loaded"),
      ]).toEqual(["in", "28P01", project.read(".env"), project.read("session.env")])
    },
    60_000,
  )
})

test("of two secrets of one rotation, the one that a person has changed goes on with what is adopted, the other with its new value", async () => {
  await using redis = await startRedis()
  await using shop = await openShop(server, { beside: redis })
  await killed(shop)
  await shop.setPassword(byHand)
  const stuck = await shop.run("rotate-now", "production")
  expect(stuck.stdout).toContain("production/postgres: STUCK")
  expect(stuck.code).toBe(7)
  shop.project.write(
    ".env",
    shop.project.read(".env").replace(/^(POSTGRES_PASSWORD=).*$/m, `$1${byHand}`),
  )
  const adopted = await shop.run("adopt", "production")
  expect(adopted.stdout).toContain("production/postgres: adopted as v3")
  expect(adopted.code).toBe(0)
  expect(await stages(shop)).toEqual(["v1 retired", "v2 retired", "v3 current"])
  // What the others owe waited for the end of that rotation.
  expect((await shop.run("run", "--once")).code).toBe(0)
  const { stdout } = await shop.run("status", "production")
  expect(stdout).toContain("none needs attention")
  expect(await shop.login(byHand)).toBe("in")
  expect(await stages(shop, "redis")).toEqual(["v1 retired", "v2 current"])
}, 60_000)

test.each([
  ["in the output", "adopt"],
  ["given", "adopt"],
  ["known already", "reconcile"],
] as const)(
  "of two secrets of one rotation that goes back, the one that a person has changed goes on with what works, the other goes back: %s",
  async (how, command) => {
    await using redis = await startRedis()
    await using shop = await openShop(server, { beside: redis })
    await killed(shop, true)
    await shop.setPassword(byHand)
    expect((await shop.run("rotate-now", "production")).stdout).toContain("postgres: STUCK")
    if (how === "in the output")
      shop.project.write(
        ".env",
        shop.project.read(".env").replace(/^(POSTGRES_PASSWORD=).*$/m, `$1${byHand}`),
      )
    else shop.project.write("given.json", JSON.stringify({ postgres_password: byHand }))
    const words = how === "in the output" ? [] : ["--from", "given.json"]
    if (command === "reconcile") {
      // Sealed while Redis cannot be asked; then reconcile alone ends it.
      await redis.stop()
      expect((await shop.run("adopt", "production", ...words)).code).toBe(7)
      await redis.start()
    }
    const ended = await shop.run(command, "production", ...(command === "adopt" ? words : []))
    expect(ended.stdout).toContain(command === "adopt" ? "postgres: adopted as v3" : "v3")
    expect(ended.code).toBe(0)
    expect((await stateOf(shop.project))?.changeSet).toBeUndefined()
    expect(await stages(shop)).toEqual(["v1 retired", "v2 retired", "v3 current"])
    expect(await stages(shop, "redis")).toEqual(["v1 current", "v2 retired"])
    expect([shop.shown, shop.project.read("api.loaded")]).toEqual([
      byHand,
      shop.project.read(".env"),
    ])
    const [, beside] = shop.services
    expect([
      await shop.login(byHand),
      await beside?.login({
        user: shop.role,
        password: shop.project.variable("REDIS_PASSWORD"),
      }),
    ]).toEqual(["in", "in"])
    expect(auditFaults(shop.project)).toEqual([])
  },
  120_000,
)

test("a value that the service refuses is not taken over, and the rotation stays as it is", async () => {
  await using shop = await openShop(server)
  await killed(shop)
  await shop.setPassword(byHand)
  shop.project.write(
    "given.json",
    JSON.stringify({ postgres_password: "Some-other.value.0123456" }),
  )
  const ran = await shop.run("adopt", "production", "--from", "given.json")
  expect(ran.stdout).toContain(
    "production/postgres: not adopted: the service refuses the value that was found (adopt-refused)",
  )
  expect(ran.code).toBe(7)
  expect(await stages(shop)).toEqual(["v1 current", "v2 pending"])
  expect((await stateOf(shop.project))?.changeSet?.secrets).toEqual(["postgres"])
}, 60_000)

describe("adopt of a value that is known", () => {
  test("logs in with it: one that the service refuses is no success", async () => {
    await using shop = await openShop(server)
    await shop.adopt()
    const known = await shop.run("adopt", "production")
    expect({ out: known.stdout, code: known.code }).toEqual({
      out: expect.stringMatching(
        /^production\/postgres: known already, v1\n {2}\S+ \(uid \d+\) listens at 127\.0\.0\.1:\d+\n$/,
      ),
      code: 0,
    })
    await shop.setPassword(byHand)
    const refused = await shop.run("adopt", "production")
    expect(refused.stdout).toContain(
      "production/postgres: not adopted: it is known as v1, but the service refuses it: " +
        "it was changed there, or the login is off (adopt-refused)",
    )
    expect(refused.code).toBe(1)
    expect(await stages(shop)).toEqual(["v1 current"])
  })

  test("says so where there is no clear answer", async () => {
    await using shop = await openShop(server)
    await shop.adopt()
    using closed = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { open: (socket) => void socket.end(), data: () => undefined },
    })
    shop.project.configure(
      JSON.parse(
        JSON.stringify(configOf(shop)).replaceAll(`:${server.port}/`, `:${closed.port}/`),
      ) as object,
    )
    const ran = await shop.run("adopt", "production")
    expect(ran.stdout).toContain(
      "production/postgres: not adopted: it is known as v1, but the service gives no clear " +
        "answer to a login: ",
    )
    expect(ran.code).toBe(1)
  })
})

test("a containment that is stuck ends its journal with what is adopted, and says that it has contained nothing", async () => {
  await using shop = await openShop(server)
  await killed(shop, false, "--contain", "--incident", "leak-7")
  await shop.setPassword(byHand)
  shop.project.write("given.json", JSON.stringify({ postgres_password: byHand }))
  const ran = await shop.run("adopt", "production", "--from", "given.json")
  expect(ran.stdout).toMatch(
    /^production\/postgres: adopted as v3: .*; the rotation that was not finished ends with it; .*; NOT contained in leak-7, because an adoption ends no sessions and no values that others set\n {2}hint: this ends it: mycelium rotate-now production\/postgres --contain --incident leak-7$/m,
  )
  expect((await shop.run("check", "--quick")).stdout).toContain("FAIL  not-contained: ")
  expect(
    (await shop.run("rotate-now", "production/postgres", "--contain", "--incident", "leak-7")).code,
  ).toBe(0)
  expect((await shop.run("check", "--quick")).code).toBe(0)
}, 60_000)
