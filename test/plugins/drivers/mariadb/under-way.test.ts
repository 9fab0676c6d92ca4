import { afterAll, beforeAll, expect, test } from "bun:test"
import { pausedMariadbLogin } from "../../../support/paused-mariadb-login.ts"
import { type MariadbServer, startMariadb } from "../../../support/servers/mariadb.ts"
import { account, open, soon } from "./harness.ts"

/**
 * The server reads what it knows of a password as soon as it knows the name; the proof may come
 * after a change.
 */

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb({ config: { "connect-timeout": "2" } })
})
afterAll(() => server[Symbol.asyncDispose]())

test("a login that is under way when the account is forgotten does not end well", async () => {
  const shop = await account(server)
  await using login = await pausedMariadbLogin(server.port, shop.user, shop.password)
  const driver = shop.open()
  let waitedMs = 0
  for (let done = await driver.deleteLogin?.([], soon()); done?.underWay !== undefined; ) {
    await Bun.sleep(done.underWay.inMs)
    waitedMs += done.underWay.inMs
    done = await driver.deleteLogin?.([], soon(), waitedMs)
  }
  expect(await login.finish()).toBe("refused")
  expect(waitedMs).toBeLessThan(2000)
})

test("where other accounts have the name, or the admin sees none of them, it is waited for as long as the server lets a login take", async () => {
  const shared = await account(server)
  await server.sql(`create user '${shared.user}'@'10.0.0.1' identified by 'another-password'`)
  await using login = await pausedMariadbLogin(server.port, shared.user, shared.password)
  expect(await shared.open().deleteLogin?.([], soon())).toMatchObject({
    underWay: { mostMs: 2500 },
  })
  expect(login.lives()).toBe(true)
  expect(await shared.open().deleteLogin?.([], soon(), 2500)).toEqual({})

  const blind = await account(server)
  const { user, password } = blind
  await server.sql(`create user 'blind-${user}'@'%' identified by '${password}'`)
  await server.sql(
    `grant create user, reload, select, update, insert, delete on *.* to 'blind-${user}'@'%'`,
  )
  const written = { user, admin: { user: `blind-${user}`, password: { env: "ADMIN" } } }
  const driver = open(server, written, password)
  expect(await driver.deleteLogin?.([], soon())).toEqual({ underWay: { inMs: 2500, mostMs: 2500 } })
  expect(await driver.deleteLogin?.([], soon(), 2500)).toEqual({})
})
