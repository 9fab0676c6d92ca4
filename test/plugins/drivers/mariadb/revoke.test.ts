import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Credential, Driver } from "../../../../src/core/ports.ts"
import { type MariadbServer, startMariadb } from "../../../support/servers/mariadb.ts"
import {
  type Account,
  account,
  credential,
  drafted,
  hashesAt,
  hashesOf,
  passwordIn,
  session,
  soon,
  versions,
} from "./harness.ts"

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
})
afterAll(() => server[Symbol.asyncDispose]())

/** The account with a second password, and since when it has it. */
async function rotated(
  shop: Account,
): Promise<{ readonly driver: Driver; readonly live: Credential }> {
  const driver = shop.open()
  const next = drafted(driver, "v2")
  const { acceptedAt } = await driver.apply(next, versions(shop.old, next), soon())
  return { driver, live: { ...next, ...(acceptedAt === undefined ? {} : { acceptedAt }) } }
}

describe("revoke()", () => {
  test("takes the old one away and nothing else, also when it is gone", async () => {
    const shop = await account(server)
    const { driver, live } = await rotated(shop)
    const other = drafted(driver, "v3")
    await driver.apply(other, versions(live, other), soon())
    for (let times = 0; times < 2; times++) {
      expect(await driver.revoke(shop.old, live, { endSessions: false }, soon())).toEqual({
        sessionsEnded: 0,
      })
      expect(await hashesAt(server, shop.user)).toEqual(hashesOf(other, live))
    }
  })

  test("never takes the last password that works", async () => {
    const shop = await account(server)
    const { driver, live } = await rotated(shop)
    await server.sql(`alter user '${shop.user}'@'%' identified by '${shop.password}'`)
    await expect(
      driver.revoke(shop.old, live, { endSessions: false }, soon()),
    ).rejects.toMatchObject({ code: "live-missing", remedy: "ask-operator" })
    expect(await driver.probe(shop.old, soon())).toBe("accepted")
  })

  test("the same password under two versions lives", async () => {
    const shop = await account(server)
    const again = { ...shop.old, version: "v2" }
    await shop.open().revoke(shop.old, again, { endSessions: false }, soon())
    expect(await shop.open().probe(again, soon())).toBe("accepted")
  })
})

describe("end_sessions", () => {
  test("ends the sessions that are older than the new password, idle or busy, and no others", async () => {
    const shop = await account(server)
    const other = await account(server)
    const capital = shop.user.toUpperCase()
    await server.sql(`create user '${capital}'@'%' identified by 'some-password'`)
    using idle = await session(server, shop.user, shop.password)
    using busy = await session(server, shop.user, shop.password)
    using stranger = await session(server, other.user, other.password)
    using namesake = await session(server, capital, "some-password")
    const { driver, live } = await rotated(shop)
    using fresh = await session(server, shop.user, passwordIn(live))
    using inGrace = await session(server, shop.user, shop.password)
    // It has worked since: by its idle time it looks younger than the password.
    expect(await busy.ask("select 1")).toBe("1")
    expect(await driver.revoke(shop.old, live, { endSessions: true }, soon())).toEqual({
      sessionsEnded: 2,
    })
    expect(await Promise.all([idle, busy].map((one) => one.alive()))).toEqual([false, false])
    // With which password one was opened in the grace cannot be told, so it is spared.
    expect(
      await Promise.all([fresh, inGrace, stranger, namesake].map((one) => one.alive())),
    ).toEqual([true, true, true, true])
    expect(await driver.revoke(shop.old, live, { endSessions: true }, soon())).toEqual({
      sessionsEnded: 0,
    })
  })

  test("ends a session in the middle of a statement", async () => {
    const shop = await account(server)
    using working = await session(server, shop.user, shop.password)
    const answer = working.ask("select sleep(600)").then(
      () => "ended by itself",
      () => "ended",
    )
    const { driver, live } = await rotated(shop)
    expect(await driver.revoke(shop.old, live, { endSessions: true }, soon())).toEqual({
      sessionsEnded: 1,
    })
    expect(await answer).toBe("ended")
  })

  test("a password that is applied a second time dates sessions by the second time", async () => {
    const shop = await account(server)
    const { driver, live } = await rotated(shop)
    using between = await session(server, shop.user, shop.password)
    const { acceptedAt = "" } = await driver.apply(live, versions(shop.old, live), soon())
    expect(
      await driver.revoke(shop.old, { ...live, acceptedAt }, { endSessions: true }, soon()),
    ).toEqual({ sessionsEnded: 1 })
    expect(await between.alive()).toBe(false)
  })

  test("after a restart of the server no session is older, whatever its number", async () => {
    const shop = await account(server)
    // Numbers begin anew: those of before are to be higher than those of after.
    for (let at = 0; at < 20; at++)
      (await session(server, shop.user, shop.password))[Symbol.dispose]()
    const { driver, live } = await rotated(shop)
    await server.restart()
    using fresh = await session(server, shop.user, passwordIn(live))
    expect(Number(fresh.id)).toBeLessThan(
      Number(/connection (\d+)/.exec(live.acceptedAt ?? "")?.[1]),
    )
    expect(await driver.revoke(shop.old, live, { endSessions: true }, soon())).toEqual({
      sessionsEnded: 0,
    })
    expect(await fresh.alive()).toBe(true)
  })

  test.each([
    ["unknown when", undefined],
    ["it is not understood", "2026-01-01T00:00:00.000Z"],
    [
      "it was at another server that ran at that time",
      "2099-01-01T00:00:00.000Z connection 1000000 of 12345",
    ],
  ])("ends none where %s, after the old password is gone", async (_, acceptedAt) => {
    const shop = await account(server)
    using open = await session(server, shop.user, shop.password)
    const { driver, live } = await rotated(shop)
    const undated = credential(live.version, shop.user, passwordIn(live), acceptedAt)
    await expect(
      driver.revoke(shop.old, undated, { endSessions: true }, soon()),
    ).rejects.toMatchObject({ code: "sessions-undated" })
    expect([await open.alive(), await driver.probe(shop.old, soon())]).toEqual([true, "refused"])
  })

  test("ends none where another account has the same name, after the old password is gone", async () => {
    const shop = await account(server)
    await server.sql(`create user '${shop.user}'@'10.9.8.7' identified by 'another'`)
    using open = await session(server, shop.user, shop.password)
    const { driver, live } = await rotated(shop)
    await expect(
      driver.revoke(shop.old, live, { endSessions: true }, soon()),
    ).rejects.toMatchObject({ code: "mariadb-sessions-shared" })
    expect([await open.alive(), await driver.probe(shop.old, soon())]).toEqual([true, "refused"])
  })
})

test("deleteLogin() leaves an account without a login, and none if there was none", async () => {
  const shop = await account(server)
  const { driver, live } = await rotated(shop)
  await driver.deleteLogin?.([shop.old, live], soon())
  expect(
    await server.sql(
      "select json_value(Priv, '$.authentication_string') as kept from mysql.global_priv " +
        `where User = '${shop.user}'`,
    ),
  ).toEqual([{ kept: "invalid" }])
  await server.sql(`drop user '${shop.user}'@'%'`)
  await driver.deleteLogin?.([shop.old, live], soon())
  expect(
    await server.sql(`select User from mysql.global_priv where User = '${shop.user}'`),
  ).toEqual([])
})

describe("expel()", () => {
  test("leaves one password, even if others set the rest, and no older session; again, it changes nothing", async () => {
    const shop = await account(server)
    using before = await session(server, shop.user, shop.password)
    const { driver, live } = await rotated(shop)
    const intruders = drafted(driver, "v9")
    await driver.apply(intruders, versions(live, intruders), soon())
    expect(await driver.revokeOthers?.(live, soon())).toEqual({ sessionsEnded: 1, notes: [] })
    expect(await before.alive()).toBe(false)
    expect(await hashesAt(server, shop.user)).toEqual(hashesOf(live))
    expect(
      await Promise.all([shop.old, intruders, live].map((one) => driver.probe(one, soon()))),
    ).toEqual(["refused", "refused", "accepted"])
    expect(await driver.revokeOthers?.(live, soon())).toEqual({ sessionsEnded: 0, notes: [] })
  })

  test("says how many came in between, which cannot be told from the program's own", async () => {
    const shop = await account(server)
    const { driver, live } = await rotated(shop)
    using between = await session(server, shop.user, shop.password)
    const done = await driver.revokeOthers?.(live, soon())
    expect(done).toEqual({
      sessionsEnded: 0,
      notes: [expect.stringContaining("1 session of")] as never,
    })
    expect(await between.alive()).toBe(true)
  })
})
