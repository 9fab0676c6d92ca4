import { beforeAll, describe, expect, test } from "bun:test"
import { startMariadb } from "../../../support/servers/mariadb.ts"
import { until } from "../../../support/until.ts"
import {
  account,
  adminSession,
  codes,
  credential,
  drafted,
  during,
  hashesAt,
  hashesOf,
  open,
  peer,
  type Session,
  session,
  soon,
  versions,
} from "./harness.ts"
import { serversOfFile } from "../../../support/servers-of-file.ts"
import { findings } from "./harness.ts"

const servers = serversOfFile({ mariadb: startMariadb })
beforeAll(() => servers.mariadb.sql("install soname 'auth_ed25519'"))

describe("preflight() and the admin", () => {
  test("names what it may not do, as the SQL that lets it; then a whole rotation works", async () => {
    const shop = await account(servers.mariadb)
    await servers.mariadb.sql("create user 'weak'@'%' identified by 'weak-password'")
    const driver = open(
      servers.mariadb,
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
      expect(await hashesAt(servers.mariadb, shop.user)).toEqual(hashesOf(shop.old))
      await servers.mariadb.sql(sql)
    }
    const sight = await driver.preflight(versions(shop.old), soon())
    expect(sight).toMatchObject([{ code: "sessions-out-of-reach", severity: "info" }])
    using _open = await session(servers.mariadb, shop.user, shop.password)
    const { acceptedAt } = await driver.apply(next, versions(shop.old, next), soon())
    const live = { ...next, ...(acceptedAt === undefined ? {} : { acceptedAt }) }
    await expect(
      driver.revoke(shop.old, live, { endSessions: true }, soon()),
    ).rejects.toMatchObject({ code: "sessions-out-of-reach" })
    await servers.mariadb.sql(/GRANT .* TO 'weak'@'%'$/.exec(sight[0]?.remedy ?? "")?.[0] ?? "")
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
    const shop = await account(servers.mariadb)
    await servers.mariadb.sql("create role rotators")
    await servers.mariadb.sql("grant create user, process, connection admin on *.* to rotators")
    await servers.mariadb.sql("grant select on mysql.* to rotators")
    await servers.mariadb.sql("create user 'member'@'%' identified by 'member-password'")
    await servers.mariadb.sql("grant rotators to 'member'@'%'")
    await servers.mariadb.sql("set default role rotators for 'member'@'%'")
    expect(
      await open(
        servers.mariadb,
        { user: shop.user, admin: { user: "member", password: { env: "ADMIN" } } },
        "member-password",
      ).preflight(versions(shop.old), soon()),
    ).toEqual([])
  })

  test("that may do everything keeps it: one of its own is advised, and that is enough", async () => {
    const shop = await account(servers.mariadb)
    const found = await findings(shop)
    expect(found).toMatchObject([{ code: "admin-too-powerful", severity: "warning" }])
    expect(found[0]?.remedy).not.toContain("REVOKE")
    const sql =
      (found[0]?.remedy ?? "")
        .replace(/^.*?: CREATE/, "CREATE")
        .split("; then ")[0]
        ?.replace("PASSWORD", "Made-for-this.1") ?? ""
    for (const one of sql.split("; ")) await servers.mariadb.sql(one)
    expect(
      await open(
        servers.mariadb,
        { user: shop.user, admin: { user: "mycelium", password: { env: "ADMIN" } } },
        "Made-for-this.1",
      ).preflight(versions(shop.old), soon()),
    ).toEqual([])
  })

  test("of one host is granted its rights, not another of the same name", async () => {
    const shop = await account(servers.mariadb)
    await servers.mariadb.sql("create user 'near'@'127.%' identified by 'near-password'")
    const driver = open(
      servers.mariadb,
      { user: shop.user, admin: { user: "near", password: { env: "ADMIN" } } },
      "near-password",
    )
    const [first] = await driver.preflight(versions(shop.old), soon())
    for (const sql of first?.remedy?.split("; ") ?? []) await servers.mariadb.sql(sql)
    expect((await driver.preflight(versions(shop.old), soon())).map(({ code }) => code)).toEqual([
      "sessions-out-of-reach",
    ])
  })

  test("a wrong password, and a plug-in that is not spoken, are findings", async () => {
    const shop = await account(servers.mariadb)
    expect(
      await codes(open(servers.mariadb, { user: shop.user }, "wrong"), versions(shop.old)),
    ).toEqual(["error password-refused"])
    await servers.mariadb.sql(
      "create user 'modern'@'%' identified via ed25519 using password('modern-password')",
    )
    expect(
      await codes(
        open(
          servers.mariadb,
          { user: shop.user, admin: { user: "modern", password: { env: "ADMIN" } } },
          "modern-password",
        ),
        versions(shop.old),
      ),
    ).toEqual(["error authentication-unsupported"])
  })

  test.each([
    ["locked", (name: string) => servers.mariadb.sql(`alter user '${name}'@'%' account lock`)],
    ["expired", (name: string) => servers.mariadb.sql(`alter user '${name}'@'%' password expire`)],
    [
      "blocked",
      (name: string) =>
        open(servers.mariadb, { user: name }).probe(credential("v0", name, "wrong"), soon()),
    ],
  ])("an admin that is %s is a finding", async (how, make) => {
    const shop = await account(servers.mariadb)
    const admin = await account(servers.mariadb)
    await during(
      servers.mariadb,
      "max_password_errors",
      how === "blocked" ? "1" : "100",
      async () => {
        await make(admin.user)
        const found = await open(
          servers.mariadb,
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
      },
    )
  })

  test("other accounts of the same name are said, for end_sessions", async () => {
    const shop = await account(servers.mariadb)
    await servers.mariadb.sql(`create user '${shop.user}'@'10.9.8.7' identified by 'another'`)
    await servers.mariadb.sql(`create role 'role_${shop.user}'`)
    expect(await codes(shop.open(), versions(shop.old))).toEqual(["info mariadb-sessions-shared"])
  })

  test("a server that is full is an error that may pass, and unknown to a probe", async () => {
    const shop = await account(servers.mariadb)
    await during(servers.mariadb, "max_connections", "10", async () => {
      const held: Session[] = []
      try {
        // One more is kept for those who may end others.
        while (held.length < 10) held.push(await session(servers.mariadb, shop.user, shop.password))
        held.push(await adminSession(servers.mariadb))
        await expect(findings(shop)).rejects.toMatchObject({
          code: "too-many-connections",
          remedy: "retry",
        })
        expect(await shop.open().probe(shop.old, soon())).toBe("unknown")
      } finally {
        for (const one of held) one[Symbol.dispose]()
      }
      await until("a connection to be free", () =>
        servers.mariadb.sql("select 1").then(
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
      open(servers.mariadb, {
        user: "shop",
        address: `mariadb://127.0.0.1:${gone.port}`,
      }).preflight(versions(), soon()),
    ).rejects.toMatchObject({ code: "unreachable", remedy: "retry" })
  })
})
