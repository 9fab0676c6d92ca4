import { describe, expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { type Shop, openShop } from "../support/shop.ts"

/**
 * After a failover the value that leaked may be the one that works: the ways out say so, by word
 * and by exit code.
 */

const servers = serversOfFile({ postgres: startPostgres })
const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak-7"]

async function failedOver(): Promise<Shop> {
  const shop = await openShop(servers.postgres, { admin: true })
  await shop.adopt()
  expect((await shop.run(...contain)).code).toBe(0)
  await shop.setPassword(shop.old)
  expect((await shop.run("rotate-now", "production")).code).not.toBe(0)
  return shop
}

describe("a service that takes a value again which an incident contained", () => {
  test("status, plan and check name the containment first", async () => {
    await using shop = await failedOver()
    for (const command of ["status", "plan"])
      expect((await shop.run(command)).stdout).toMatch(
        /the service refuses it since .*: rotate-now --contain --incident leak-7 first, .*: reconcile, or adopt/,
      )
    expect((await shop.run("check", "--quick")).stdout).toContain(
      "first mycelium rotate-now production/postgres --contain --incident leak-7; ",
    )
  }, 60_000)

  test("reconcile, which makes it current, ends with 7, and so does its dry run", async () => {
    await using shop = await failedOver()
    const dry = await shop.run("reconcile", "production", "--dry-run")
    const ran = await shop.run("reconcile", "production")
    expect(ran.stdout).toContain("NOT contained in leak-7")
    expect([dry.code, ran.code]).toEqual([7, 7])
    expect([(await shop.run(...contain)).code, await shop.login(shop.old)]).toEqual([0, "28P01"])
  }, 60_000)

  test("adopt ends with 7", async () => {
    await using shop = await failedOver()
    shop.project.write("given.json", JSON.stringify({ postgres_password: shop.old }))
    const ran = await shop.run("adopt", "production", "--from", "given.json")
    expect(ran.stdout).toContain("NOT contained in leak-7")
    expect(ran.code).toBe(7)
  }, 60_000)
})
