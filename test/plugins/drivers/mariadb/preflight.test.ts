import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Finding, Versions } from "../../../../src/core/ports.ts"
import { errorOf } from "../../../support/error-of.ts"
import { type MariadbServer, startMariadb } from "../../../support/servers/mariadb.ts"
import { until } from "../../../support/until.ts"
import {
  type Account,
  account,
  adminSession,
  codes,
  credential,
  drafted,
  hashesAt,
  hashesOf,
  open,
  passwordIn,
  peer,
  type Session,
  session,
  soon,
  versions,
} from "./harness.ts"

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
  await server.sql("install soname 'auth_ed25519'")
})
afterAll(() => server[Symbol.asyncDispose]())

const findings = (
  shop: Account,
  about: Versions = versions(shop.old),
): Promise<readonly Finding[]> => shop.open().preflight(about, soon())

describe("preflight() refuses an account that is not fit", () => {
  test("that does not exist, as another host's", async () => {
    const shop = await account(server)
    expect(await codes(open(server, { user: "nobody" }), versions())).toEqual([
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
      const shop = await account(server)
      await server.sql(sql(`'${shop.user}'@'%'`, shop.password))
      const kept = (): Promise<unknown> =>
        server.sql(`select Priv from mysql.global_priv where User = '${shop.user}'`)
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
    const shop = await account(server)
    const [first, second] = [
      credential("v8", shop.user, "first"),
      credential("v9", shop.user, "second"),
    ]
    const ways = [shop.password, "first", "second"].map(
      (password) => `mysql_native_password using password('${password}')`,
    )
    await server.sql(`alter user '${shop.user}'@'%' identified via ${ways.join(" or ")}`)
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
    const shop = await account(server)
    await server.sql(`alter user '${shop.user}'@'%' identified by 'Set-by-hand-at-night.1'`)
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
    expect(await hashesAt(server, shop.user)).toEqual(
      hashesOf(credential("v0", shop.user, "Set-by-hand-at-night.1")),
    )
  })

  test("of which nothing changes while it is looked at", async () => {
    const shop = await account(server)
    const kept = (): Promise<unknown> =>
      server.sql("select User, Host, Priv from mysql.global_priv order by User, Host")
    const before = await kept()
    await shop.open().preflight(versions(shop.old), soon(), { trial: true })
    await shop.open().probe(credential("v9", shop.user, "wrong"), soon())
    expect(await kept()).toEqual(before)
  })

  test("whose version belongs to another user", async () => {
    const shop = await account(server)
    const other = credential("v1", "other", shop.password)
    expect(await codes(shop.open(), versions(other))).toEqual(["error user-differs"])
    await expect(shop.open().probe(other, soon())).rejects.toMatchObject({ code: "user-differs" })
    await expect(shop.open().apply(other, versions(other), soon())).rejects.toMatchObject({
      code: "user-differs",
    })
  })

  test("stored() finds nothing in an account that no password opens", async () => {
    const shop = await account(server)
    await server.sql(
      `alter user '${shop.user}'@'%' identified via mysql_native_password using 'invalid'`,
    )
    expect(await shop.open().readInstalled?.(soon())).toBeUndefined()
    const driver = shop.open()
    const first = drafted(driver, "v1")
    await driver.apply(first, versions(undefined, first), soon())
    expect([await driver.probe(first, soon()), await hashesAt(server, shop.user)]).toEqual([
      "accepted",
      hashesOf(first),
    ])
  })
})

/** A setting of the server, while `run` runs. */
async function during(name: string, value: string, run: () => Promise<void>): Promise<void> {
  const [row] = await server.sql(`select @@global.${name} as it`)
  await server.sql(`set global ${name} = ${value}`)
  try {
    await run()
  } finally {
    await server.sql(`set global ${name} = ${String(row?.["it"])}`)
  }
}

describe("preflight() refuses a server that takes no password from us, and so does apply()", () => {
  async function refuses(code: string): Promise<void> {
    const shop = await account(server)
    expect(await codes(shop.open(), versions(shop.old))).toEqual([`error ${code}`])
    const next = drafted(shop.open(), "v2")
    await expect(shop.open().apply(next, versions(shop.old, next), soon())).rejects.toMatchObject({
      code,
      remedy: "ask-operator",
    })
    expect(await hashesAt(server, shop.user)).toEqual(hashesOf(shop.old))
  }

  test("that is read-only, although the admin could write", () =>
    during("read_only", "1", () => refuses("read-only-server")))

  test("that blocks a user after a few wrong passwords", () =>
    during("max_password_errors", "4", () => refuses("mariadb-lockout")))

  test("that validates passwords, and is content where it may take hashes", async () => {
    await server.sql("install soname 'simple_password_check'")
    try {
      const shop = { user: "validated", password: "Aa1.Aa1.Aa1.Aa1." }
      await server.sql(`create user '${shop.user}'@'%' identified by '${shop.password}'`)
      const driver = open(server, { user: shop.user })
      const old = credential("v1", shop.user, shop.password)
      const next = drafted(driver, "v2")
      expect(await codes(driver, versions(old))).toEqual(["error mariadb-validates"])
      await expect(driver.apply(next, versions(old, next), soon())).rejects.toMatchObject({
        code: "mariadb-validates",
      })
      expect(await hashesAt(server, shop.user)).toEqual(hashesOf(old))
      await during("strict_password_validation", "0", async () => {
        expect(await codes(driver, versions(old))).toEqual([])
        await driver.apply(next, versions(old, next), soon())
        expect(await driver.probe(next, soon())).toBe("accepted")
      })
    } finally {
      await server.sql("uninstall soname 'simple_password_check'")
    }
  })
})

describe("preflight() and the admin", () => {
  test("names what it may not do, as the SQL that lets it; then a whole rotation works", async () => {
    const shop = await account(server)
    await server.sql("create user 'weak'@'%' identified by 'weak-password'")
    const driver = open(
      server,
      { user: shop.user, admin: { user: "weak", password: { env: "ADMIN" } } },
      "weak-password",
    )
    const [first, ...rest] = await driver.preflight(versions(shop.old), soon())
    expect(first).toMatchObject({
      code: "not-permitted",
      severity: "error",
      message:
        "weak may not do what a rotation needs: CREATE USER ON *.*, SELECT ON mysql.global_priv",
    })
    expect(rest).toEqual([])
    const next = drafted(driver, "v2")
    // The right to read first: what is refused then is the change.
    for (const sql of first?.remedy?.split("; ").toReversed() ?? []) {
      await expect(driver.apply(next, versions(shop.old, next), soon())).rejects.toMatchObject({
        code: "not-permitted",
      })
      expect(await hashesAt(server, shop.user)).toEqual(hashesOf(shop.old))
      await server.sql(sql)
    }
    const sight = await driver.preflight(versions(shop.old), soon())
    expect(sight).toMatchObject([{ code: "sessions-out-of-reach", severity: "info" }])
    using _open = await session(server, shop.user, shop.password)
    const { acceptedAt } = await driver.apply(next, versions(shop.old, next), soon())
    const live = { ...next, ...(acceptedAt === undefined ? {} : { acceptedAt }) }
    await expect(
      driver.revoke(shop.old, live, { endSessions: true }, soon()),
    ).rejects.toMatchObject({ code: "sessions-out-of-reach" })
    await server.sql(/GRANT .* TO 'weak'@'%'$/.exec(sight[0]?.remedy ?? "")?.[0] ?? "")
    expect(await driver.preflight(versions(live), soon())).toEqual([])
    expect(await driver.revoke(shop.old, live, { endSessions: true }, soon())).toEqual({
      sessionsEnded: 1,
    })
    expect([
      await driver.probe(shop.old, soon()),
      await driver.probe(live, soon()),
      await driver.settle([live], soon()),
    ]).toEqual(["refused", "accepted", true])
  })

  test("takes rights that come with a role", async () => {
    const shop = await account(server)
    await server.sql("create role rotators")
    await server.sql("grant create user, process, connection admin on *.* to rotators")
    await server.sql("grant select on mysql.* to rotators")
    await server.sql("create user 'member'@'%' identified by 'member-password'")
    await server.sql("grant rotators to 'member'@'%'")
    await server.sql("set default role rotators for 'member'@'%'")
    expect(
      await open(
        server,
        { user: shop.user, admin: { user: "member", password: { env: "ADMIN" } } },
        "member-password",
      ).preflight(versions(shop.old), soon()),
    ).toEqual([])
  })

  test("that may do everything keeps it: one of its own is advised, and that is enough", async () => {
    const shop = await account(server)
    const found = await findings(shop)
    expect(found).toMatchObject([{ code: "admin-too-powerful", severity: "warning" }])
    expect(found[0]?.remedy).not.toContain("REVOKE")
    const sql =
      (found[0]?.remedy ?? "")
        .replace(/^.*?: CREATE/, "CREATE")
        .split("; then ")[0]
        ?.replace("PASSWORD", "Made-for-this.1") ?? ""
    for (const one of sql.split("; ")) await server.sql(one)
    expect(
      await open(
        server,
        { user: shop.user, admin: { user: "mycelium", password: { env: "ADMIN" } } },
        "Made-for-this.1",
      ).preflight(versions(shop.old), soon()),
    ).toEqual([])
  })

  test("of one host is granted its rights, not another of the same name", async () => {
    const shop = await account(server)
    await server.sql("create user 'near'@'127.%' identified by 'near-password'")
    const driver = open(
      server,
      { user: shop.user, admin: { user: "near", password: { env: "ADMIN" } } },
      "near-password",
    )
    const [first] = await driver.preflight(versions(shop.old), soon())
    for (const sql of first?.remedy?.split("; ") ?? []) await server.sql(sql)
    expect((await driver.preflight(versions(shop.old), soon())).map(({ code }) => code)).toEqual([
      "sessions-out-of-reach",
    ])
  })

  test("a wrong password, and a plug-in that is not spoken, are findings", async () => {
    const shop = await account(server)
    expect(await codes(open(server, { user: shop.user }, "wrong"), versions(shop.old))).toEqual([
      "error password-refused",
    ])
    await server.sql(
      "create user 'modern'@'%' identified via ed25519 using password('modern-password')",
    )
    expect(
      await codes(
        open(
          server,
          { user: shop.user, admin: { user: "modern", password: { env: "ADMIN" } } },
          "modern-password",
        ),
        versions(shop.old),
      ),
    ).toEqual(["error authentication-unsupported"])
  })

  test.each([
    ["locked", (name: string) => server.sql(`alter user '${name}'@'%' account lock`)],
    ["expired", (name: string) => server.sql(`alter user '${name}'@'%' password expire`)],
    [
      "blocked",
      (name: string) => open(server, { user: name }).probe(credential("v0", name, "wrong"), soon()),
    ],
  ])("an admin that is %s is a finding", async (how, make) => {
    const shop = await account(server)
    const admin = await account(server)
    await during("max_password_errors", how === "blocked" ? "1" : "100", async () => {
      await make(admin.user)
      const found = await open(
        server,
        { user: shop.user, admin: { user: admin.user, password: { env: "ADMIN" } } },
        admin.password,
      ).preflight(versions(shop.old), soon())
      expect(found).toMatchObject([
        {
          code: how === "expired" ? "password-expired" : "account-locked",
          severity: "error",
          message: expect.stringContaining(how),
        },
      ])
    })
  })

  test("other accounts of the same name are said, for end_sessions", async () => {
    const shop = await account(server)
    await server.sql(`create user '${shop.user}'@'10.9.8.7' identified by 'another'`)
    await server.sql(`create role 'role_${shop.user}'`)
    expect(await codes(shop.open(), versions(shop.old))).toEqual(["info mariadb-sessions-shared"])
  })

  test("a server that is full is an error that may pass, and unknown to a probe", async () => {
    const shop = await account(server)
    await during("max_connections", "10", async () => {
      const held: Session[] = []
      try {
        // One more is kept for those who may end others.
        while (held.length < 10) held.push(await session(server, shop.user, shop.password))
        held.push(await adminSession(server))
        await expect(findings(shop)).rejects.toMatchObject({
          code: "too-many-connections",
          remedy: "retry",
        })
        expect(await shop.open().probe(shop.old, soon())).toBe("unknown")
      } finally {
        for (const one of held) one[Symbol.dispose]()
      }
      await until("a connection to be free", () =>
        server.sql("select 1").then(
          () => true,
          () => false,
        ),
      )
    })
  })

  test("no answer is an error that may pass", async () => {
    const gone = await peer(() => undefined)
    await gone[Symbol.asyncDispose]()
    await expect(
      open(server, { user: "shop", address: `mariadb://127.0.0.1:${gone.port}` }).preflight(
        versions(),
        soon(),
      ),
    ).rejects.toMatchObject({ code: "unreachable", remedy: "retry" })
  })
})

test("preflight() holds no password", async () => {
  const shop = await account(server)
  await server.sql(`alter user '${shop.user}'@'%' account lock`)
  expect(JSON.stringify(await findings(shop))).not.toContain(passwordIn(shop.old))
})
