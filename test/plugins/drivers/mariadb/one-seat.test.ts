import { afterAll, beforeAll, expect, test } from "bun:test"
import { type MariadbServer, startMariadb } from "../../../support/servers/mariadb.ts"
import { account, credential, drafted, passwordIn, session, soon, versions } from "./harness.ts"

/** An account that may have one session: no login is kept out by one that we have left. */

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
})
afterAll(() => server[Symbol.asyncDispose]())

test("probes of an account with one seat do not keep each other out", async () => {
  const { user, old, open } = await account(server)
  await server.sql(`alter user '${user}'@'%' with max_user_connections 1`)
  const driver = open()
  const wrong = credential("v0", user, "Some-other-password.1")
  for (let count = 0; count < 20; count++)
    expect([await driver.probe(old, soon()), await driver.probe(wrong, soon())]).toEqual([
      "accepted",
      "refused",
    ])
})

test("once the driver is drained, the program finds the one seat free", async () => {
  const { user, old, open } = await account(server)
  await server.sql(`alter user '${user}'@'%' with max_user_connections 1`)
  const driver = open()
  for (let count = 0; count < 20; count++) {
    const next = drafted(driver, `v${count + 2}`)
    await driver.apply(next, versions(old, next), soon())
    expect(await driver.probe(next, soon())).toBe("accepted")
    await driver.drained?.()
    using program = await session(server, user, passwordIn(next))
    expect(await program.alive()).toBe(true)
  }
})
