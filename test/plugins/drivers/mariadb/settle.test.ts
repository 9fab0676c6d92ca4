import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Credential, Driver } from "../../../../src/core/ports.ts"
import { errorOf } from "../../../support/error-of.ts"
import { type MariadbServer, startMariadb } from "../../../support/servers/mariadb.ts"
import { until } from "../../../support/until.ts"
import {
  type Account,
  account,
  adminSession,
  drafted,
  hashesAt,
  hashesOf,
  open,
  ourLock,
  type Session,
  soon,
  versions,
} from "./harness.ts"

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
})
afterAll(() => server[Symbol.asyncDispose]())

/**
 * A run of Mycelium whose ALTER USER waits behind a backup, and which is then gone: its socket is
 * closed, its statement is not.
 */
async function deadRun(shop: Account, pending: Credential, backup: Session): Promise<void> {
  await backup.ask("flush tables with read lock")
  const killed = new AbortController()
  const applied = shop
    .open()
    .apply(pending, versions(shop.old, pending), killed.signal)
    .then(
      () => "done",
      () => "cut off",
    )
  await until("its statement to wait at the server", () => waits(shop))
  killed.abort()
  expect(await applied).toBe("cut off")
}

async function waits({ user }: Account): Promise<boolean> {
  const rows = await server.sql(
    "select 1 as it from information_schema.processlist where INFO like 'ALTER USER " +
      `''${user}''%' and STATE like 'Waiting%'`,
  )
  return rows.length > 0
}

describe("settle()", () => {
  let shop: Account
  let driver: Driver
  let pending: Credential
  const fresh = async (): Promise<void> => {
    shop = await account(server)
    driver = shop.open()
    pending = drafted(driver, "v2")
  }

  test("ends the statement of a run that is gone: nothing lands after it", async () => {
    await fresh()
    {
      using backup = await adminSession(server)
      await deadRun(shop, pending, backup)
      expect(await waits(shop)).toBe(true)
      expect(await driver.settle([pending, shop.old], soon())).toBe(true)
      expect(await waits(shop)).toBe(false)
    }
    expect([await driver.probe(pending, soon()), await driver.probe(shop.old, soon())]).toEqual([
      "refused",
      "accepted",
    ])
    expect(await hashesAt(server, shop.user)).toEqual(hashesOf(shop.old))
    await driver.apply(pending, versions(shop.old, pending), soon())
    expect(await driver.probe(pending, soon())).toBe("accepted")
  })

  test("is needed for that: without it, the statement lands as soon as it can", async () => {
    await fresh()
    {
      using backup = await adminSession(server)
      await deadRun(shop, pending, backup)
      expect(await driver.probe(pending, soon())).toBe("refused")
      await backup.ask("unlock tables")
    }
    await until(
      "the dead run's statement to land",
      async () => (await hashesAt(server, shop.user)).length === 2,
    )
  })

  test("ends only the session that holds the lock of our name", async () => {
    await fresh()
    using ours = await adminSession(server)
    using other = await adminSession(server)
    expect([
      await ours.ask(`select get_lock('${ourLock}', 0)`),
      await other.ask("select get_lock('mycelium/production/mariadb#ffffffff', 0)"),
    ]).toEqual(["1", "1"])
    expect(await driver.settle([pending, shop.old], soon())).toBe(true)
    expect([await ours.alive(), await other.alive()]).toEqual([false, true])
  })

  test.each([
    ["a run that is still there", "unreachable", () => driver.settle([pending, shop.old], soon())],
    [
      "one whose statement is ended by a person",
      "session-ended",
      () => server.sql(`kill query user '${server.admin.user}'`).catch(() => undefined),
    ],
  ])("%s is told that it was ended, and may try again", async (_, code, end) => {
    await fresh()
    using backup = await adminSession(server)
    await backup.ask("flush tables with read lock")
    const applied = errorOf(driver.apply(pending, versions(shop.old, pending), soon(20_000)))
    await until("its statement to wait at the server", () => waits(shop))
    await end()
    expect(await applied).toMatchObject({ code, remedy: "retry" })
    expect(await hashesAt(server, shop.user)).toEqual(hashesOf(shop.old))
  })

  test("throws while the server does not answer, so that nothing is decided", async () => {
    await fresh()
    server.signal("SIGSTOP")
    try {
      await expect(driver.settle([pending, shop.old], soon(300))).rejects.toMatchObject({
        code: "timeout",
        remedy: "retry",
      })
    } finally {
      server.signal("SIGCONT")
    }
  })

  test("throws where an admin of another name may not end it", async () => {
    await fresh()
    using ours = await adminSession(server)
    await ours.ask(`select get_lock('${ourLock}', 0)`)
    await server.sql("create user 'later'@'%' identified by 'later-password'")
    const later = open(
      server,
      { user: shop.user, admin: { user: "later", password: { env: "ADMIN" } } },
      "later-password",
    )
    await expect(later.settle([pending], soon())).rejects.toMatchObject({ code: "not-permitted" })
    expect(await ours.alive()).toBe(true)
  })
})
