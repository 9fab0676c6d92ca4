import { afterAll, beforeAll, expect, test } from "bun:test"
import { type MariadbServer, startMariadb } from "../../../support/servers/mariadb.ts"
import {
  type Account,
  account,
  codes,
  credential,
  drafted,
  hashesAt,
  hashesOf,
  session,
  soon,
  versions,
} from "./harness.ts"

/** A person who may change accounts has shut one, or opened it, or has put another before it. */

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
  await server.sql("install soname 'auth_ed25519'")
})
afterAll(() => server[Symbol.asyncDispose]())

const shutting: readonly (readonly [string, (shop: Account) => string])[] = [
  ["account-locked", ({ user }) => `alter user '${user}'@'%' account lock`],
  ["password-expired", ({ user }) => `alter user '${user}'@'%' password expire`],
  [
    "password-expired",
    ({ user }) =>
      `update mysql.global_priv set Priv = json_set(Priv, '$.password_last_changed', 1, '$.password_lifetime', 1) where User = '${user}'`,
  ],
  ["password-not-asked", ({ user }) => `alter user '${user}'@'%' identified by ''`],
  [
    "authentication-unsupported",
    ({ user }) => `alter user '${user}'@'%' identified via ed25519 using password('Evil.1')`,
  ],
  [
    "authentication-unsupported",
    ({ user, password }) =>
      `alter user '${user}'@'%' identified via mysql_native_password using password('${password}') or ed25519 using password('Evil.1')`,
  ],
]

test.each(shutting)("a containment ends %s, with the new value", async (code, sql) => {
  const shop = await account(server)
  await server.sql(sql(shop))
  await server.sql("flush privileges")
  const driver = shop.open()
  const found = (await driver.preflight(versions(shop.old), soon())).filter(
    ({ severity }) => severity === "error",
  )
  expect(found).toMatchObject([{ code, yields: true, silences: true }])
  expect(found[0]?.message).toContain("a containment")
  const next = drafted(driver, "v2")
  await expect(driver.apply(next, versions(shop.old, next), soon())).rejects.toMatchObject({ code })
  const { acceptedAt = "" } = await driver.apply(next, versions(shop.old, next), soon(), {
    contain: true,
  })
  await driver.revokeOthers?.({ ...next, acceptedAt }, soon())
  const wrong = credential("control", shop.user, "a-random-wrong-value-of-the-test")
  const answers = [next, shop.old, wrong].map((one) => driver.probe(one, soon()))
  expect(await Promise.all(answers)).toEqual(["accepted", "refused", "refused"])
  expect(await hashesAt(server, shop.user)).toEqual(hashesOf(next))
})

test.each(shutting)(
  "%s after the new value was proven does not keep the others alive",
  async (_, sql) => {
    const shop = await account(server)
    const driver = shop.open()
    const next = drafted(driver, "v2")
    const { acceptedAt = "" } = await driver.apply(next, versions(shop.old, next), soon(), {
      contain: true,
    })
    await server.sql(sql(shop))
    await server.sql("flush privileges")
    await driver.revokeOthers?.({ ...next, acceptedAt }, soon())
    expect([await driver.probe(next, soon()), await driver.probe(shop.old, soon())]).toEqual([
      "accepted",
      "refused",
    ])
  },
)

test("an account that may open no connection is said, and its password is proven all the same", async () => {
  const shop = await account(server)
  await server.sql(`alter user '${shop.user}'@'%' with max_user_connections -1`)
  const driver = shop.open()
  const found = (await driver.preflight(versions(shop.old), soon())).filter(
    ({ severity }) => severity === "error",
  )
  expect(found).toMatchObject([{ code: "account-locked", yields: true }])
  expect(found[0]?.silences).toBeUndefined()
  const next = drafted(driver, "v2")
  const heard: string[] = []
  const answers = [
    await driver.probe(shop.old, soon(), ({ message }) => heard.push(message)),
    await driver.probe(next, soon()),
  ]
  expect(answers).toEqual(["accepted", "refused"])
  expect(heard).toEqual([expect.stringContaining("a limit of its own")])
  await server.sql(found[0]?.remedy?.slice(found[0].remedy.indexOf("ALTER USER")) ?? "")
  expect(await codes(driver, versions(shop.old))).toEqual([])
})

test("an intruder who holds every seat of the account keeps no program out of a containment", async () => {
  const shop = await account(server)
  await server.sql(`alter user '${shop.user}'@'%' with max_user_connections 2`)
  const driver = shop.open()
  using one = await session(server, shop.user, shop.password)
  using other = await session(server, shop.user, shop.password)
  const next = drafted(driver, "v2")
  // The password is asked for before the limit.
  expect([await driver.probe(shop.old, soon()), await driver.probe(next, soon())]).toEqual([
    "accepted",
    "refused",
  ])
  await driver.apply(next, versions(shop.old, next), soon(), { contain: true })
  expect([await one.alive(), await other.alive()]).toEqual([false, false])
  expect(await driver.probe(next, soon())).toBe("accepted")
})

test.each([
  ["ssl", "REQUIRE SSL", "the config does not ask for TLS"],
  ["x509", "REQUIRE X509", "the config names none"],
  ["issuer '/CN=evil'", "ISSUER", "the config names none"],
  ["cipher 'AES256-SHA'", "REQUIRE SSL", "the config does not ask for TLS"],
])("require %s: its reason and a way on, before any value exists", async (need, says, lacks) => {
  const shop = await account(server)
  await server.sql(`alter user '${shop.user}'@'%' require ${need}`)
  const driver = shop.open()
  const found = (await driver.preflight(versions(shop.old), soon())).filter(
    ({ severity }) => severity === "error",
  )
  expect(found).toEqual([
    {
      code: "mariadb-requires",
      severity: "error",
      message: expect.stringContaining(says),
      remedy: expect.stringContaining(`ALTER USER '${shop.user}'@'%' REQUIRE NONE`),
    },
  ])
  expect(found[0]?.message).toContain(lacks)
  const heard: string[] = []
  expect(await driver.probe(shop.old, soon(), ({ message }) => heard.push(message))).toBe("unknown")
  expect(heard).toEqual([expect.stringContaining(says)])
  await server.sql(found[0]?.remedy?.slice(found[0].remedy.indexOf("ALTER USER")) ?? "")
  expect(await driver.probe(shop.old, soon())).toBe("accepted")
})

test.each(["another password", "the same password"])(
  "another account of the name, with %s, is named where the server takes a login for it",
  async (which) => {
    const shop = await account(server)
    const password = which === "the same password" ? shop.password : "Evil-password.1"
    await server.sql(`create user '${shop.user}'@'127.0.0.1' identified by '${password}'`)
    const heard: string[] = []
    const answer = await shop.open().probe(shop.old, soon(), ({ code, message }) => {
      heard.push(`${code}: ${message}`)
    })
    expect(answer).toBe("unknown")
    expect(heard).toEqual([expect.stringContaining("mariadb-other-account: the server")])
    expect(heard[0]).toContain(`DROP USER '${shop.user}'@'127.0.0.1'`)
    await server.sql(/DROP USER \S+'/.exec(heard[0] ?? "")?.[0] ?? "")
    expect(await shop.open().probe(shop.old, soon())).toBe("accepted")
  },
)
