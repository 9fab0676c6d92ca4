import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { Secret } from "../../../../src/core/secret.ts"
import { connect } from "../../../../src/plugins/drivers/mariadb/connection.ts"
import { type MariadbServer, startMariadb } from "../../../support/servers/mariadb.ts"
import {
  account,
  codes,
  credential,
  drafted,
  hashesOf,
  open,
  passwordIn,
  peer,
  soon,
  versions,
} from "./harness.ts"
import { errorOf } from "../../../support/error-of.ts"

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
  await server.sql("install soname 'auth_ed25519'")
})
afterAll(() => server[Symbol.asyncDispose]())

describe("probe() says refused of nothing but a password that the account does not hold", () => {
  test("each of two passwords is accepted, a third refused, and none when all are gone", async () => {
    const shop = await account(server)
    const driver = shop.open()
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(shop.old, next), soon())
    const asked = [
      shop.old,
      next,
      credential("v0", shop.user, "wrong"),
      credential("v0", shop.user, ""),
    ]
    expect(await Promise.all(asked.map((one) => driver.probe(one, soon())))).toEqual([
      "accepted",
      "accepted",
      "refused",
      "refused",
    ])
    await driver.deleteLogin?.([], soon())
    expect(await Promise.all(asked.map((one) => driver.probe(one, soon())))).toEqual([
      "refused",
      "refused",
      "refused",
      "refused",
    ])
  })

  test.each([
    ["a locked account", (user: string) => `alter user ${user} account lock`],
    ["an expired password", (user: string) => `alter user ${user} password expire`],
    ["an account that asks for TLS", (user: string) => `alter user ${user} require ssl`],
    ["an account that is gone", (user: string) => `drop user ${user}`],
    [
      "another plug-in",
      (user: string) => `alter user ${user} identified via ed25519 using password('something')`,
    ],
  ])("%s is unknown, with the right password", async (_, sql) => {
    const shop = await account(server)
    expect(await shop.open().probe(shop.old, soon())).toBe("accepted")
    await server.sql(sql(`'${shop.user}'@'%'`))
    expect(await shop.open().probe(shop.old, soon())).toBe("unknown")
  })

  test("a limit of its own that is reached is said, and the password is proven all the same", async () => {
    const shop = await account(server)
    await server.sql(`alter user '${shop.user}'@'%' with max_connections_per_hour 1`)
    // The first one after a limit is set is still let in.
    await shop.open().probe(shop.old, soon())
    const heard: string[] = []
    const answer = await shop.open().probe(shop.old, soon(), ({ code }) => heard.push(code))
    expect([answer, ...heard]).toEqual(["accepted", "too-many-connections"])
    expect(await shop.open().probe(credential("v9", shop.user, "wrong"), soon())).toBe("refused")
  })

  test("an account that stands before ours is not ours", async () => {
    const shop = await account(server)
    await server.sql(`create user '${shop.user}'@'127.0.0.1' identified by 'other-password'`)
    expect(await shop.open().probe(shop.old, soon())).toBe("unknown")
    expect(await shop.open().probe(credential("v2", shop.user, "other-password"), soon())).toBe(
      "unknown",
    )
    expect(
      await shop
        .open({ host: "127.0.0.1" })
        .probe(credential("v2", shop.user, "other-password"), soon()),
    ).toBe("accepted")
  })

  test("a user's name is told from the same in capitals", async () => {
    const shop = await account(server)
    const capital = shop.user.toUpperCase()
    await server.sql(`create user '${capital}'@'%' identified by 'other-password'`)
    expect(await shop.open().probe(credential("v2", shop.user, "other-password"), soon())).toBe(
      "refused",
    )
    expect(
      await shop.open({ user: capital }).probe(credential("v2", capital, "other-password"), soon()),
    ).toBe("accepted")
  })

  test("an account that is blocked after wrong passwords is unknown, and let in again by an admin", async () => {
    const shop = await account(server)
    await server.sql("set global max_password_errors = 3")
    try {
      const wrong = credential("v0", shop.user, "wrong")
      const answers: string[] = []
      for (let tries = 0; tries < 4; tries++) answers.push(await shop.open().probe(wrong, soon()))
      expect(answers).toEqual(["refused", "refused", "refused", "unknown"])
      expect(await shop.open().probe(shop.old, soon())).toBe("unknown")
      await server.sql("flush privileges")
      expect(await shop.open().probe(shop.old, soon())).toBe("accepted")
    } finally {
      await server.sql("set global max_password_errors = 4294967295")
    }
  })

  test("a second password counts for no mistake, however often it is used", async () => {
    const shop = await account(server)
    const next = drafted(shop.open(), "v2")
    await shop.open().apply(next, versions(shop.old, next), soon())
    await server.sql("set global max_password_errors = 1")
    try {
      for (let tries = 0; tries < 10; tries++)
        expect(await shop.open().probe(shop.old, soon())).toBe("accepted")
    } finally {
      await server.sql("set global max_password_errors = 4294967295")
    }
  })

  test("who cannot ask the admin does not know, and says why", async () => {
    const shop = await account(server)
    expect(
      (
        await errorOf(
          open(server, { user: shop.user }, "wrong").probe(
            credential("v0", shop.user, "wrong"),
            soon(),
          ),
        )
      ).code,
    ).toBe("password-refused")
    expect(await open(server, { user: shop.user }, "wrong").probe(shop.old, soon())).toBe(
      "accepted",
    )
  })
})

test("a unix socket is where 'user'@'localhost' logs in", async () => {
  await server.sql("create user 'near'@'localhost' identified by 'near-password'")
  await server.sql(
    `create user '${server.admin.user}'@'localhost' identified by '${server.admin.password}'`,
  )
  await server.sql(`grant all on *.* to '${server.admin.user}'@'localhost'`)
  const old = credential("v1", "near", "near-password")
  const driver = open(server, {
    address: `mariadb://${join(server.folder, "socket")}`,
    user: "near",
    host: "LOCALHOST",
  })
  expect(await codes(driver, versions(old))).toEqual([])
  const next = drafted(driver, "v2")
  await driver.apply(next, versions(old, next), soon())
  await driver.revoke(old, next, { endSessions: false }, soon())
  expect([await driver.probe(next, soon()), await driver.probe(old, soon())]).toEqual([
    "accepted",
    "refused",
  ])
})

test("more rows than anything that we ask for has are refused, not collected", async () => {
  const login = { user: server.admin.user, password: new Secret("admin", server.admin.password) }
  const connection = await connect(
    { address: { host: "127.0.0.1", port: server.port } },
    login,
    soon(),
  )
  expect(await connection.query("select 1")).toEqual([["1"]])
  await expect(
    connection.query("select repeat('x', 100000) from information_schema.collations limit 400"),
  ).rejects.toMatchObject({ code: "answer-too-large" })
})

describe("what is not our MariaDB", () => {
  /** A greeting of protocol 10, as a server of that version sends it. */
  const greeting = (version: string): Buffer => {
    const body = Buffer.concat([
      Buffer.from([10]),
      Buffer.from(`${version}\0`),
      Buffer.alloc(4),
      Buffer.alloc(8, 1),
      Buffer.from([0, 0xff, 0xf7, 45, 2, 0, 0xff, 0x81, 21]),
      Buffer.alloc(10),
      Buffer.alloc(12, 1),
      Buffer.from("\0mysql_native_password\0"),
    ])
    return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body])
  }

  test.each([
    ["MySQL", "8.0.36", "mariadb-other-server"],
    ["a MariaDB whose accounts hold one password", "5.5.5-10.3.39-MariaDB", "server-too-old"],
  ])("%s is told by its greeting, and sent nothing", async (_, version, code) => {
    await using fake = await peer((socket) => void socket.write(greeting(version)))
    const driver = open(server, { address: `mariadb://127.0.0.1:${fake.port}`, user: "shop" })
    expect(await codes(driver, versions())).toEqual([`error ${code}`])
    expect(await driver.probe(credential("v1", "shop", "some-password"), soon())).toBe("unknown")
    expect(fake.received()).toBe("")
  })

  test("one that asks for the password in clear does not get it", async () => {
    const asks = Buffer.from("\xfemysql_clear_password\0", "latin1")
    await using fake = await peer((socket) => {
      socket.write(greeting("11.4.2-MariaDB"))
      socket.once("data", () =>
        socket.write(Buffer.concat([Buffer.from([asks.length, 0, 0, 2]), asks])),
      )
    })
    const driver = open(server, { address: `mariadb://127.0.0.1:${fake.port}`, user: "shop" })
    const candidate = credential("v1", "shop", "some-password")
    expect(await driver.probe(candidate, soon())).toBe("unknown")
    expect(await codes(driver, versions())).toEqual(["error authentication-unsupported"])
    for (const kept of [passwordIn(candidate), server.admin.password, ...hashesOf(candidate)])
      expect(fake.received()).not.toContain(kept)
  })

  test("nonsense is not understood, and refused for that", async () => {
    await using fake = await peer((socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"))
    expect(
      await codes(
        open(server, { address: `mariadb://127.0.0.1:${fake.port}`, user: "shop" }),
        versions(),
      ),
    ).toEqual(["error answer-malformed"])
  })
})
