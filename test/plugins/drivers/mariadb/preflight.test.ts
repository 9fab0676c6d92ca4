import { beforeAll, describe, expect, test } from "bun:test"
import { errorOf } from "../../../support/error-of.ts"
import { startMariadb } from "../../../support/servers/mariadb.ts"
import {
  account,
  codes,
  credential,
  drafted,
  hashesAt,
  hashesOf,
  open,
  passwordIn,
  soon,
  versions,
} from "./harness.ts"
import { serversOfFile } from "../../../support/servers-of-file.ts"
import { findings } from "./harness.ts"

const servers = serversOfFile({ mariadb: startMariadb })
beforeAll(() => servers.mariadb.sql("install soname 'auth_ed25519'"))

describe("preflight() refuses an account that is not fit", () => {
  test("that does not exist, as another host's", async () => {
    const shop = await account(servers.mariadb)
    expect(await codes(open(servers.mariadb, { user: "nobody" }), versions())).toEqual([
      "error account-missing",
    ])
    const found = await shop.open({ host: "localhost" }).preflight(versions(shop.old), soon())
    expect(found).toContainEqual({
      code: "account-missing",
      severity: "error",
      message: `account '${shop.user}'@'localhost' does not exist`,
      remedy: "create it, or correct user and host in the config",
    })
  })

  const unfit: readonly (readonly [string, (user: string, password: string) => string, string])[] =
    [
      ["that is locked", (user) => `alter user ${user} account lock`, "is locked"],
      ["whose password has expired", (user) => `alter user ${user} password expire`, "has expired"],
      [
        "that lets in who gives no password",
        (user) => `alter user ${user} identified by ''`,
        "lets in who gives no password",
      ],
      [
        "that has such a way beside its password",
        (user, password) =>
          `alter user ${user} identified via mysql_native_password using ` +
          `password('${password}') or mysql_native_password using ''`,
        "lets in who gives no password",
      ],
      [
        "of another plug-in",
        (user, password) =>
          `alter user ${user} identified via ed25519 using password('${password}')`,
        "logs in otherwise",
      ],
      [
        "of another plug-in beside ours",
        (user, password) =>
          `alter user ${user} identified via mysql_native_password using ` +
          `password('${password}') or unix_socket`,
        "logs in otherwise",
      ],
    ]
  const unfitCodes: Readonly<Record<string, string>> = {
    "is locked": "account-locked",
    "has expired": "password-expired",
    "lets in who gives no password": "password-not-asked",
    "logs in otherwise": "authentication-unsupported",
  }
  test.each(unfit)(
    "%s: a finding, an error of apply, revoke and stored, and nothing changes",
    async (_, sql, message) => {
      const shop = await account(servers.mariadb)
      await servers.mariadb.sql(sql(`'${shop.user}'@'%'`, shop.password))
      const kept = (): Promise<unknown> =>
        servers.mariadb.sql(`select Priv from mysql.global_priv where User = '${shop.user}'`)
      const before = await kept()
      const found = await findings(shop)
      expect(found.filter(({ severity }) => severity === "error")).toEqual([
        {
          code: unfitCodes[message] ?? "none",
          severity: "error",
          message: expect.stringContaining(message),
          remedy: expect.stringContaining(`ALTER USER '${shop.user}'@'%'`),
          yields: true,
          silences: true,
        },
      ])
      const driver = shop.open()
      const next = drafted(driver, "v2")
      const acts = [
        () => driver.apply(next, versions(shop.old, next), soon()),
        () => driver.revoke(shop.old, next, { endSessions: false }, soon()),
        () => driver.readInstalled?.(soon()) ?? Promise.resolve(),
      ]
      for (const act of acts)
        expect(await errorOf(act())).toMatchObject({
          code: unfitCodes[message] ?? "none",
          message: expect.stringContaining(message),
        })
      expect(await kept()).toEqual(before)
    },
  )

  test("that holds a password besides ours, unless it is a version of ours", async () => {
    const shop = await account(servers.mariadb)
    const [first, second] = [
      credential("v8", shop.user, "first"),
      credential("v9", shop.user, "second"),
    ]
    const ways = [shop.password, "first", "second"].map(
      (password) => `mysql_native_password using password('${password}')`,
    )
    await servers.mariadb.sql(`alter user '${shop.user}'@'%' identified via ${ways.join(" or ")}`)
    const found = await findings(shop)
    expect(found).toContainEqual({
      code: "unknown-password",
      severity: "error",
      message: expect.stringContaining("2 passwords besides ours"),
      remedy: expect.stringContaining(`SHOW CREATE USER '${shop.user}'@'%'`),
      yields: true,
    })
    expect(JSON.stringify(found)).not.toMatch(/[0-9A-F]{40}/)
    expect(
      await codes(shop.open(), { current: shop.old, previous: first, uncertain: [second] }),
    ).toEqual([])
    expect(await codes(shop.open(), { current: shop.old, uncertain: [second] })).toEqual([
      "error unknown-password",
    ])
    // Whose they are is asked by stored() where we know none of them.
    expect(await codes(shop.open(), versions())).toEqual([])
    await expect(shop.open().readInstalled?.(soon())).rejects.toMatchObject({
      code: "value-exists",
    })
  })

  test("that does not hold our password: it has drifted, and is not told that its only one may go", async () => {
    const shop = await account(servers.mariadb)
    await servers.mariadb.sql(
      `alter user '${shop.user}'@'%' identified by 'Set-by-hand-at-night.1'`,
    )
    expect((await findings(shop)).filter(({ severity }) => severity === "error")).toEqual([
      {
        code: "current-refused",
        severity: "error",
        message: `account '${shop.user}'@'%' does not hold the current value`,
        remedy: expect.stringContaining("mycelium reconcile production"),
        yields: true,
      },
    ])
    await expect(
      shop
        .open()
        .revoke(
          credential("v0", shop.user, "Set-by-hand-at-night.1"),
          shop.old,
          { endSessions: false },
          soon(),
        ),
    ).rejects.toMatchObject({
      code: "live-missing",
      hint: expect.stringContaining("mycelium reconcile production"),
    })
    expect(await hashesAt(servers.mariadb, shop.user)).toEqual(
      hashesOf(credential("v0", shop.user, "Set-by-hand-at-night.1")),
    )
  })

  test("of which nothing changes while it is looked at", async () => {
    const shop = await account(servers.mariadb)
    const kept = (): Promise<unknown> =>
      servers.mariadb.sql("select User, Host, Priv from mysql.global_priv order by User, Host")
    const before = await kept()
    await shop.open().preflight(versions(shop.old), soon(), { trial: true })
    await shop.open().probe(credential("v9", shop.user, "wrong"), soon())
    expect(await kept()).toEqual(before)
  })

  test("whose version belongs to another user", async () => {
    const shop = await account(servers.mariadb)
    const other = credential("v1", "other", shop.password)
    expect(await codes(shop.open(), versions(other))).toEqual(["error user-differs"])
    await expect(shop.open().probe(other, soon())).rejects.toMatchObject({ code: "user-differs" })
    await expect(shop.open().apply(other, versions(other), soon())).rejects.toMatchObject({
      code: "user-differs",
    })
  })

  test("stored() finds nothing in an account that no password opens", async () => {
    const shop = await account(servers.mariadb)
    await servers.mariadb.sql(
      `alter user '${shop.user}'@'%' identified via mysql_native_password using 'invalid'`,
    )
    expect(await shop.open().readInstalled?.(soon())).toBeUndefined()
    const driver = shop.open()
    const first = drafted(driver, "v1")
    await driver.apply(first, versions(undefined, first), soon())
    expect([await driver.probe(first, soon()), await hashesAt(servers.mariadb, shop.user)]).toEqual(
      ["accepted", hashesOf(first)],
    )
  })
})

test("preflight() holds no password", async () => {
  const shop = await account(servers.mariadb)
  await servers.mariadb.sql(`alter user '${shop.user}'@'%' account lock`)
  expect(JSON.stringify(await findings(shop))).not.toContain(passwordIn(shop.old))
})
