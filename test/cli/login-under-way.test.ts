import { afterAll, beforeAll, expect, test } from "bun:test"
import { pausedLogin } from "../support/paused-login.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"
import { start } from "../support/two-at-once.ts"
import { until } from "../support/until.ts"

/**
 * A login that began with the old password before it was replaced ends well after it: "contained"
 * is said once its session is gone.
 */

let postgres: PostgresServer
beforeAll(async () => {
  postgres = await startPostgres({ config: { authentication_timeout: "5s" } })
})
afterAll(() => postgres[Symbol.asyncDispose]())

const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak"]
const waiting = "a login that was under way with the old password could still end well"

test("a containment says why it waits, and ends only when the session of the late login has", async () => {
  await using shop = await openShop(postgres)
  await shop.adopt()
  await using login = await pausedLogin(postgres.port, shop.role, shop.old)
  await using run = start(shop.project, contain)
  await until("it waits", () => run.said().includes(`waiting up to 6s: ${waiting}`))
  expect(await login.finish()).toBe("in")
  expect(await run.child.exited).toBe(0)
  expect(run.said()).toContain("leak: contained, in")
  await until("its session has ended", () => !login.lives())
})

test.each([
  ["SIGTERM", 7],
  ["SIGKILL", 137],
] as const)(
  "ended by %s while it waits: owed still, and what has passed is not waited for again",
  async (signal, code) => {
    await using shop = await openShop(postgres)
    await shop.adopt()
    await using login = await pausedLogin(postgres.port, shop.role, shop.old)
    await using run = start(shop.project, contain)
    await until("it waits", () => run.said().includes(waiting))
    run.child.kill(signal)
    expect(await run.child.exited).toBe(code)
    if (signal === "SIGTERM") {
      expect(run.said()).toContain("(login-under-way)")
      expect(run.said()).toContain("hint: mycelium run --once: by the service's clock")
    }
    expect((await shop.run("status")).stdout + (await shop.run("check")).stdout).toMatch(
      /not contained|NOT contained/,
    )
    expect(await login.finish()).toBe("in")
    await postgres.sql("select pg_sleep(3)")
    const again = await shop.run(...contain)
    expect({ code: again.code, out: again.code === 0 ? "" : again.stdout }).toEqual({
      code: 0,
      out: "",
    })
    expect(again.ms).toBeLessThan(5000)
    await until("its session has ended", () => !login.lives())
    await using after = start(shop.project, contain)
    expect(await after.child.exited).toBe(0)
    expect(after.said()).not.toContain(waiting)
  },
)

test("end_sessions: true of an ordinary rotation waits likewise; without it nothing is waited for", async () => {
  await using shop = await openShop(postgres, { endSessions: true })
  await shop.adopt()
  await using login = await pausedLogin(postgres.port, shop.role, shop.old)
  await using run = start(shop.project, ["rotate-now", "production"])
  await until("it waits", () => run.said().includes(waiting))
  expect(await login.finish()).toBe("in")
  expect(await run.child.exited).toBe(0)
  await until("its session has ended", () => !login.lives())
  await using plain = await openShop(postgres)
  await plain.adopt()
  const ran = await plain.run("rotate-now", "production")
  expect([ran.code, ran.stdout + ran.stderr]).toEqual([0, expect.not.stringContaining(waiting)])
})

test("delete waits likewise: once it says that the login is refused, none that was under way ends well", async () => {
  await using shop = await openShop(postgres, { admin: true })
  await shop.adopt()
  await using login = await pausedLogin(postgres.port, shop.role, shop.old)
  await using run = start(shop.project, ["delete", "production", "--yes"])
  await until("it waits", () => run.said().includes(`waiting up to 6s: ${waiting}`))
  expect(await run.child.exited).toBe(0)
  expect(run.said()).toContain("its login is refused")
  expect(await login.finish()).toBe("refused")
})
