import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { apply } from "../../../../src/plugins/drivers/mariadb/apply.ts"
import { errorOf } from "../../../support/error-of.ts"
import { type MariadbServer, startMariadb } from "../../../support/servers/mariadb.ts"
import { until } from "../../../support/until.ts"
import {
  account,
  adminSession,
  credential,
  drafted,
  hashesAt,
  hashesOf,
  ourLock,
  passwordIn,
  placeOf,
  relay,
  session,
  soon,
  versions,
} from "./harness.ts"

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb({
    config: {
      "general-log": "1",
      "general-log-file": "general.log",
      "log-bin": "binlog",
      "binlog-format": "STATEMENT",
    },
  })
})
afterAll(() => server[Symbol.asyncDispose]())

describe("apply()", () => {
  test("puts the new password before the old one, and a second time changes nothing", async () => {
    const shop = await account(server)
    const driver = shop.open()
    const next = drafted(driver, "v2")
    const kept = (): Promise<unknown> =>
      server.sql(`select Priv from mysql.global_priv where User = '${shop.user}'`)
    const first = await driver.apply(next, versions(shop.old, next), soon())
    expect(await hashesAt(server, shop.user)).toEqual(hashesOf(next, shop.old))
    const once = await kept()
    const second = await driver.apply(next, versions(shop.old, next), soon())
    expect(await kept()).toEqual(once)
    for (const { acceptedAt } of [first, second])
      expect(acceptedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z connection \d+ of \d+$/)
  })

  test("both outlive a restart, however the server ends", async () => {
    const shop = await account(server)
    const next = drafted(shop.open(), "v2")
    await shop.open().apply(next, versions(shop.old, next), soon())
    await server.restart("kill")
    expect(
      await Promise.all([shop.old, next].map((one) => shop.open().probe(one, soon()))),
    ).toEqual(["accepted", "accepted"])
  })

  test("leaves everything else of the account, and its sessions", async () => {
    const shop = await account(server)
    await server.sql(`create role if not exists readers`)
    await server.sql(`grant readers to '${shop.user}'@'%'`)
    await server.sql(`grant select on mysql.* to '${shop.user}'@'%' with grant option`)
    await server.sql(`set default role readers for '${shop.user}'@'%'`)
    await server.sql(
      `alter user '${shop.user}'@'%' with max_user_connections 7 max_statement_time 9`,
    )
    await server.sql(`alter user '${shop.user}'@'%' password expire interval 90 day`)
    const rest = async (): Promise<unknown> => [
      await server
        .sql(`show grants for '${shop.user}'@'%'`)
        .then((rows) =>
          JSON.stringify(rows).replaceAll(/IDENTIFIED (BY PASSWORD|VIA).*?( WITH|\\?"})/g, "…$2"),
        ),
      await server.sql(
        "select json_remove(Priv, '$.auth_or', '$.authentication_string', " +
          "'$.plugin', '$.password_last_changed') as rest from mysql.global_priv where User = " +
          `'${shop.user}'`,
      ),
    ]
    const before = await rest()
    expect(JSON.stringify(before)).toContain("max_user_connections")
    using open = await session(server, shop.user, shop.password)
    const driver = shop.open()
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(shop.old, next), soon())
    expect(await rest()).toEqual(before)
    await driver.revoke(shop.old, next, { endSessions: false }, soon())
    expect(await rest()).toEqual(before)
    expect(await open.alive()).toBe(true)
  })

  test("no password, and on the wire of a login not even its hash, reaches a log of the server", async () => {
    const shop = await account(server)
    const driver = shop.open()
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(shop.old, next), soon())
    await driver.probe(next, soon())
    await driver.revoke(shop.old, next, { endSessions: false }, soon())
    const read = async (name: string): Promise<string> =>
      Buffer.from(await Bun.file(`${server.dataFolder}/${name}`).bytes()).toString("latin1")
    const logs = `${await read("general.log")}${await read("binlog.000001")}${await read("binlog.000002").catch(() => "")}${server.logs()}`
    expect(logs).toContain(`ALTER USER '${shop.user}'`)
    expect(logs).not.toContain(passwordIn(next))
  })

  test("says so if another session sets the same account at that moment, and may be asked again", async () => {
    const shop = await account(server)
    await using between = await relay(server.port, `ALTER USER '${shop.user}'`, () =>
      server.sql(`alter user '${shop.user}'@'%' identified by 'somebody-elses'`),
    )
    const driver = shop.open({ address: `mariadb://127.0.0.1:${between.port}` })
    const next = drafted(driver, "v2")
    await expect(driver.apply(next, versions(shop.old, next), soon())).rejects.toMatchObject({
      code: "password-not-kept",
      remedy: "retry",
    })
    expect(await hashesAt(server, shop.user)).toEqual(
      hashesOf(credential("x", shop.user, "somebody-elses")),
    )
  })

  test("waits five seconds for another run of Mycelium, and says that it is busy", async () => {
    const shop = await account(server)
    using other = await adminSession(server)
    expect(await other.ask(`select get_lock('${ourLock}', 0)`)).toBe("1")
    const next = drafted(shop.open(), "v2")
    await expect(
      shop.open().apply(next, versions(shop.old, next), soon(20_000)),
    ).rejects.toMatchObject({ code: "locked-at-server", remedy: "retry" })
    expect(await hashesAt(server, shop.user)).toEqual(hashesOf(shop.old))
  })

  const held = [
    "backup stage start",
    "backup stage flush",
    "backup stage block_ddl",
    "backup stage block_commit",
  ]
  test.each([
    ["a global read lock", ["flush tables with read lock"], false],
    ["a lock on the accounts", ["lock tables mysql.global_priv write"], false],
    // The server says no after it has done it: a throw means that the answer is unknown.
    ["a backup that blocks commits", held, true],
  ])(
    "does not wait for ever behind %s, says that it is busy, and nothing lands after that",
    async (_, statements, done) => {
      const shop = await account(server)
      const next = drafted(shop.open(), "v2")
      {
        using other = await adminSession(server)
        for (const sql of statements) await other.ask(sql)
        const target = { ...placeOf(server, shop.user), waitS: 1 }
        expect(await errorOf(apply(target, next, {}, soon(20_000)))).toMatchObject({
          code: "lock-timeout",
          remedy: "retry",
        })
      }
      await until(
        "the lock of our name to be free",
        async () =>
          JSON.stringify(await server.sql(`select is_used_lock('${ourLock}') as holder`)) ===
          '[{"holder":null}]',
      )
      expect(await shop.open().probe(next, soon())).toBe(done ? "accepted" : "refused")
      await shop.open().apply(next, versions(shop.old, next), soon())
      expect(
        await Promise.all([shop.old, next].map((one) => shop.open().probe(one, soon()))),
      ).toEqual(["accepted", "accepted"])
    },
  )

  test("is not kept by the earlier stages of a backup", async () => {
    const shop = await account(server)
    const next = drafted(shop.open(), "v2")
    using other = await adminSession(server)
    for (const sql of held.slice(0, 3)) await other.ask(sql)
    await shop.open().apply(next, versions(shop.old, next), soon())
    expect(await shop.open().probe(next, soon())).toBe("accepted")
  })
})
