import { describe, expect, test } from "bun:test"
import {
  type Kind,
  type Servers,
  change,
  contain,
  open,
  startServers,
} from "../support/contain-ends.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { type Shop, configOf } from "../support/shop.ts"

/**
 * A service that has lost what a containment did there (a failover, an older file put back): the
 * same command asks again before it calls a secret contained.
 */

const servers = serversOfFile({ all: startServers })

async function contained(kind: Kind): Promise<Shop> {
  const shop = await open(servers.all, kind)
  await shop.adopt()
  expect((await shop.run(...contain)).code).toBe(0)
  return shop
}

/** What the service of a kind is given back: the old value alone, or beside the new one. */
async function lose(all: Servers, kind: Kind, shop: Shop): Promise<void> {
  if (kind === "redis")
    return void (await all.redis.command("ACL", "SETUSER", shop.role, `>${shop.old}`))
  if (kind === "mariadb") return both(all, shop)
  if (kind === "exec, two values") {
    const held = all.two.users.get(shop.role) ?? []
    return void all.two.users.set(shop.role, [...held, shop.old])
  }
  await change(all, kind, shop, shop.old)
}

/** MariaDB holds a second password by another plugin of the same account. */
async function both({ mariadb }: Servers, { role, old }: Shop): Promise<void> {
  const [row] = await mariadb.sql(
    `SELECT authentication_string AS hash FROM mysql.user WHERE User = '${role}'`,
  )
  await mariadb.sql(
    `ALTER USER '${role}'@'%' IDENTIFIED VIA mysql_native_password USING ` +
      `'${String(row?.["hash"])}' OR mysql_native_password USING PASSWORD('${old}')`,
  )
}

describe("a service that takes the leaked value again", () => {
  test.each([
    "role with an admin",
    "redis",
    "mariadb",
    "exec, two values",
    "exec, one value",
  ] as const)(
    "the same command contains it once more: %s",
    async (kind) => {
      await using shop = await contained(kind)
      await lose(servers.all, kind, shop)
      expect(await shop.login(shop.old)).toBe("in")
      if (kind === "redis" || kind === "mariadb") {
        const check = await shop.run("check", "--connect")
        expect(check.stdout).toContain("holds the value of v1 again, which a containment took away")
        expect([check.code, check.stdout.includes("compromised-again")]).toEqual([4, true])
      }
      const dry = await shop.run(...contain, "--dry-run")
      expect(dry.stdout).not.toContain("contained before")
      const ran = await shop.run(...contain)
      expect(ran.stdout).toContain("v3 is current")
      expect(ran.stdout).not.toContain("contained before")
      const { user, password } = shop.service.shown(shop.project)
      expect([
        ran.code,
        await shop.login(shop.old),
        await shop.login(password, user),
        (await shop.run("report", "leak-7")).code,
      ]).toEqual([0, shop.service.refusal, "in", 0])
      const again = await shop.run(...contain)
      expect([again.code, again.stdout.includes("contained before, by this incident")]).toEqual([
        0,
        true,
      ])
    },
    60_000,
  )

  test("without an admin it is left, and all say so", async () => {
    await using shop = await contained("role")
    await lose(servers.all, "role", shop)
    const ran = await shop.run(...contain)
    expect(ran.stdout).toContain("NOT all contained, 1 left")
    const report = await shop.run("report", "leak-7")
    expect([ran.code, report.code, report.stdout.includes("Contained: NOT yet")]).toEqual([
      7,
      7,
      true,
    ])
    expect((await shop.run("status")).stdout).toContain("NOT contained since")
  }, 60_000)

  test("the report looks at a drift that was noted since", async () => {
    await using shop = await contained("role with an admin")
    await lose(servers.all, "role with an admin", shop)
    expect((await shop.run("rotate-now", "production")).code).not.toBe(0)
    const report = await shop.run("report", "leak-7")
    expect(report.stdout).toContain("its service refuses its value since")
    expect([report.code, report.stdout.includes("current-refused")]).toEqual([7, true])
  }, 60_000)
})

test("a service that cannot be asked: that is said, and it is not called contained without a word", async () => {
  await using shop = await contained("role with an admin")
  const asked = await shop.run(...contain)
  expect(asked.stdout).toContain("contained before, by this incident; its service takes v2 now")
  expect((await shop.run("report", "leak-7")).stdout).toMatch(
    /Its service refused the old value of it; the last proof is of .*, and this report asks no service\./,
  )
  const config = JSON.stringify(configOf(shop)).replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1")
  shop.project.configure(config)
  const ran = await shop.run(...contain)
  expect(ran.stdout).toContain("contained before, by this incident, and NOT asked again now:")
  expect(ran.stdout).toContain("could not be asked about again, and is named above")
  expect(ran.code).toBe(5)
}, 60_000)
