import { describe, expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { stateOf } from "../support/sealed.ts"
import { openShop, type Shop } from "../support/shop.ts"

/**
 * A service that refuses the current value: said by the run that has found it, by status and check
 * at once, with a way on that works.
 */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

const rotate = ["rotate-now", "production"]
const byHand = "Set-by-hand-at-night.1"
/** Sentences that are no help, or false, where a value has drifted. */
const false_ =
  /none needs attention|an earlier act of mycelium|mycelium run tries again|omebody else has changed|only an admin gets in/

/** The service is as it was before the rotation, as after a failover to one that had not heard of it. */
async function failedOver(shop: Shop): Promise<void> {
  const held = await shop.service.held()
  expect((await shop.run(...rotate, "--no-wait")).code).toBe(0)
  await shop.service.hold(held)
}

async function expectTold(shop: Shop, secret: string): Promise<void> {
  const status = await shop.run("status")
  expect(status.stdout).toMatch(/· 1 needs attention|· 2 need attention/)
  expect(status.stdout).toContain("the service refuses it since")
  expect(status.stdout).not.toMatch(false_)
  const plan = await shop.run("plan")
  expect(plan.stdout).toContain(`! ${secret}  the service refuses it since `)
  expect(plan.stdout).not.toMatch(/rotate |revoke /)
  const check = await shop.run("check", "--quick")
  expect(check.code).toBe(4)
  expect(check.stdout).toContain(`FAIL  current-refused: production/${secret}: `)
  expect(check.stdout).toContain("mycelium reconcile production")
  const once = await shop.run("run", "--once")
  expect(once.code).toBe(7)
  expect(once.stderr).not.toMatch(false_)
  expect(once.stderr.split("\n").filter((line) => line.includes("current-refused"))).toHaveLength(1)
}

describe("a password that a person has changed at the service", () => {
  test.each([false, true])(
    "is told by the rotation that finds it (an admin: %p), by status at once; adopt is a way on",
    async (admin) => {
      await using shop = await openShop(servers.postgres, { admin })
      await shop.adopt()
      await shop.setPassword(byHand)
      const ran = await shop.run(...rotate)
      expect(ran.code).toBe(7)
      expect(ran.stdout).toContain("(current-refused)")
      expect(ran.stdout).toContain("mycelium reconcile production finds out")
      expect(ran.stdout + ran.stderr).not.toMatch(false_)
      expect((await stateOf(shop.project))?.secrets["postgres"]?.drift).toMatchObject({
        code: "current-refused",
      })
      await expectTold(shop, "postgres")
      shop.project.write(".env", shop.project.read(".env").replace(shop.old, byHand))
      shop.project.write("api.loaded", shop.project.read(".env"))
      expect((await shop.run("adopt", "production")).code).toBe(0)
      expect((await shop.run(...rotate)).code).toBe(0)
      expect((await shop.run("status")).stdout).toContain("none needs attention")
    },
    60_000,
  )

  test("and then set back is noticed by the next turn, which goes on", async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    await shop.adopt()
    await shop.setPassword(byHand)
    expect((await shop.run(...rotate)).code).toBe(7)
    expect((await shop.run("run", "--once")).code).toBe(7)
    await shop.setPassword(shop.old)
    expect((await shop.run("run", "--once")).code).toBe(0)
    expect((await shop.run("status")).stdout).toContain("none needs attention")
    const events = (await shop.run("audit", "--json")).stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { readonly event: string }).event)
    expect(events.filter((event) => event.startsWith("drift"))).toEqual(["drift", "drift-over"])
  }, 60_000)

  test("a dry run tells it and writes nothing of it", async () => {
    await using shop = await openShop(servers.postgres)
    await shop.adopt()
    await shop.setPassword(byHand)
    const before = shop.project.snapshot()
    expect((await shop.run(...rotate, "--dry-run")).stdout).toContain("(current-refused)")
    expect(shop.project.snapshot()).toEqual(before)
  })

  test("with the value before it still owed a revoke: told once, and nothing is taken away", async () => {
    await using shop = await openShop(servers.postgres, {
      redis: servers.redis,
      secret: { grace: "1h" },
    })
    await shop.adopt()
    expect((await shop.run(...rotate)).code).toBe(0)
    const { login } = shop.service
    await shop.service.hold({ [shop.role]: ["on", `>${byHand}`, "~*", "+@all"] })
    const ran = await shop.run(...rotate, "--skip-grace")
    expect(ran.stdout).toContain("the service refuses the current value")
    expect(ran.stdout).toContain("mycelium reconcile production")
    expect(ran.stdout + ran.stderr).not.toMatch(false_)
    await expectTold(shop, "redis")
    expect(await login({ user: shop.role, password: byHand })).toBe("in")
    const events = (await shop.run("audit", "--json")).stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { readonly event: string }).event)
    expect(events.filter((event) => event === "revoke-failed").length).toBeLessThanOrEqual(1)
    expect(events.filter((event) => event === "drift")).toHaveLength(1)
  }, 60_000)
})

describe("a service that has lost the change", () => {
  test.each([
    ["one role", {}],
    ["one role with an admin", { admin: true }],
    ["Redis", { redis: true }],
  ] as const)(
    "(%s) is told at once; reconcile makes the older version current again",
    async (_, options) => {
      await using shop = await openShop(
        servers.postgres,
        "redis" in options ? { redis: servers.redis } : options,
      )
      await shop.adopt()
      await failedOver(shop)
      const ran = await shop.run(...rotate)
      expect(ran.stdout + ran.stderr).not.toMatch(false_)
      expect(ran.stdout).toContain("mycelium reconcile production")
      await expectTold(shop, shop.service.secret)
      const mended = await shop.run("reconcile", "production")
      expect({ code: mended.code, said: mended.stdout }).toEqual({
        code: 0,
        said: expect.stringContaining("v1"),
      })
      const { user, password } = shop.service.shown(shop.project)
      expect([password, await shop.login(password, user)]).toEqual([shop.old, "in"])
      expect((await shop.run("status")).stdout).toContain("none needs attention")
    },
    60_000,
  )
})

describe("status", () => {
  test("says of secrets without a value what they need, not that none needs attention", async () => {
    await using shop = await openShop(servers.postgres)
    expect((await shop.run("init")).code).toBe(0)
    const { stdout } = await shop.run("status")
    expect(stdout).toContain("1 secret · 1 without a value: mycelium adopt, or rotate-now --new")
    expect(stdout).not.toContain("none needs attention")
  })

  test("and check say the same of when a failed rotation is tried next", async () => {
    await using shop = await openShop(servers.postgres)
    await shop.adopt()
    shop.sicken()
    shop.project.script("health-api", "[ -e api.log ] || exit 0", "exit 1")
    expect((await shop.run(...rotate)).stdout).toContain("(back-unhealthy)")
    const next =
      /mycelium run tries again once it is due, [\d-]+ [\d:]+ UTC/.exec(
        (await shop.run("status")).stdout,
      )?.[0] ?? "nothing"
    expect((await shop.run("check")).stdout).toContain(next)
    // The quick one knows no schedule, and names no time.
    expect((await shop.run("check", "--quick")).stdout).not.toMatch(/tries again/)
  })
})
