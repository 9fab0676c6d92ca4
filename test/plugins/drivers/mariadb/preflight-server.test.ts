import { describe, expect, test } from "bun:test"
import { startMariadb } from "../../../support/servers/mariadb.ts"
import {
  account,
  codes,
  credential,
  drafted,
  during,
  hashesAt,
  hashesOf,
  open,
  soon,
  versions,
} from "./harness.ts"
import { serversOfFile } from "../../../support/servers-of-file.ts"

const servers = serversOfFile({ mariadb: startMariadb })

describe("preflight() refuses a server that takes no password from us, and so does apply()", () => {
  async function refuses(code: string): Promise<void> {
    const shop = await account(servers.mariadb)
    expect(await codes(shop.open(), versions(shop.old))).toEqual([`error ${code}`])
    const next = drafted(shop.open(), "v2")
    await expect(shop.open().apply(next, versions(shop.old, next), soon())).rejects.toMatchObject({
      code,
      remedy: "ask-operator",
    })
    expect(await hashesAt(servers.mariadb, shop.user)).toEqual(hashesOf(shop.old))
  }

  test("that is read-only, although the admin could write", () =>
    during(servers.mariadb, "read_only", "1", () => refuses("read-only-server")))

  test("that blocks a user after a few wrong passwords", () =>
    during(servers.mariadb, "max_password_errors", "4", () => refuses("mariadb-lockout")))

  test("that validates passwords, and is content where it may take hashes", async () => {
    await servers.mariadb.sql("install soname 'simple_password_check'")
    try {
      const shop = { user: "validated", password: "Aa1.Aa1.Aa1.Aa1." }
      await servers.mariadb.sql(`create user '${shop.user}'@'%' identified by '${shop.password}'`)
      const driver = open(servers.mariadb, { user: shop.user })
      const old = credential("v1", shop.user, shop.password)
      const next = drafted(driver, "v2")
      expect(await codes(driver, versions(old))).toEqual(["error mariadb-validates"])
      await expect(driver.apply(next, versions(old, next), soon())).rejects.toMatchObject({
        code: "mariadb-validates",
      })
      expect(await hashesAt(servers.mariadb, shop.user)).toEqual(hashesOf(old))
      await during(servers.mariadb, "strict_password_validation", "0", async () => {
        expect(await codes(driver, versions(old))).toEqual([])
        await driver.apply(next, versions(old, next), soon())
        expect(await driver.probe(next, soon())).toBe("accepted")
      })
    } finally {
      await servers.mariadb.sql("uninstall soname 'simple_password_check'")
    }
  })
})
