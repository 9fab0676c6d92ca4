import { afterAll, beforeAll, expect, test } from "bun:test"
import { sessionsOf } from "../support/login.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { setsAgain } from "../support/sets-again.ts"
import { openShop } from "../support/shop.ts"
import { holdRestarts, start } from "../support/two-at-once.ts"
import { until } from "../support/until.ts"

/** An intruder is logged in as the role that is contained, and acts against it. */

let postgres: PostgresServer
beforeAll(async () => {
  postgres = await startPostgres({ config: { authentication_timeout: "1s" } })
})
afterAll(() => postgres[Symbol.asyncDispose]())

const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak"]

test("who sets another password again and again does not outlive it", async () => {
  await using shop = await openShop(postgres, { admin: true })
  await shop.adopt()
  const over = new AbortController()
  const passwords = [shop.old, "evil-password-of-theirs"]
  const loops = Array.from({ length: 4 }, () =>
    setsAgain(postgres.port, { role: shop.role, passwords }, over.signal),
  )
  await until("they are in", async () => (await sessionsOf(postgres, shop.role)) >= 3)
  const ran = await shop.run(...contain)
  const logins = [await shop.login(shop.shown), await shop.login("evil-password-of-theirs")]
  over.abort()
  await Promise.all(loops)
  expect({ code: ran.code, said: ran.code === 0 ? "" : ran.stdout + ran.stderr, logins }).toEqual({
    code: 0,
    said: "",
    logins: ["in", "28P01"],
  })
  expect(await sessionsOf(postgres, shop.role)).toBe(0)
}, 60_000)

test("a role that a killed containment has left shut is opened by the next one", async () => {
  await using shop = await openShop(postgres, { admin: true })
  await shop.adopt()
  holdRestarts(shop.project)
  await using run = start(shop.project, contain)
  await until("the restart has begun", () => shop.project.has("begun"))
  run.child.kill("SIGKILL")
  await run.child.exited
  // As if it had been killed while it kept the role shut: the value is the new one, which only Mycelium knows.
  await postgres.sql(`alter role ${shop.role} nologin`)
  shop.project.write("go", "")
  const again = await shop.run(...contain)
  expect({ code: again.code, said: again.code === 0 ? "" : again.stdout }).toEqual({
    code: 0,
    said: "",
  })
  expect(await shop.login(shop.shown)).toBe("in")
}, 60_000)
