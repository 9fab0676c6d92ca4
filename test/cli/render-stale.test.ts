import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"

/** A backup of the .env is put back, and its program is restarted with it, before `render` is asked. */

const servers = serversOfFile({ postgres: startPostgres })

test("render names the programs that read an older value, and owes their restart until it is done", async () => {
  await using shop = await openShop(servers.postgres)
  await shop.adopt()
  const backup = shop.project.read(".env")
  expect((await shop.run("rotate-now", "production")).code).toBe(0)
  shop.project.write(".env", backup)
  shop.project.write("api.loaded", backup)

  const rendered = await shop.run("render", "production")
  expect([rendered.code, rendered.stdout]).toEqual([
    0,
    expect.stringContaining("an older value stood in a file of production/api"),
  ])
  expect(shop.project.read("api.loaded")).toBe(backup)
  const told = "api was not restarted since"
  expect((await shop.run("status")).stdout).toContain(told)
  const check = await shop.run("check", "--quick")
  expect([check.code, check.stdout]).toEqual([4, expect.stringContaining(told)])

  await shop.run("run", "--once")
  expect(shop.project.read("api.loaded")).toBe(shop.project.read(".env"))
  expect((await shop.run("status")).stdout).toContain("none needs attention")
  expect((await shop.run("run", "--once")).code).toBe(0)
}, 60_000)

test("render of a file that is right, or new, owes nothing", async () => {
  await using shop = await openShop(servers.postgres)
  await shop.adopt()
  expect((await shop.run("rotate-now", "production")).code).toBe(0)
  for (const before of [shop.project.read(".env"), "PORT=8080\n"]) {
    shop.project.write(".env", before)
    const { stdout } = await shop.run("render", "production")
    expect(stdout).not.toContain("older value")
    expect((await shop.run("status")).stdout).toContain("none needs attention")
  }
}, 60_000)

test("a program that is healthy, for a person has restarted it, is owed nothing, and is not restarted again", async () => {
  await using shop = await openShop(servers.postgres)
  await shop.adopt()
  const backup = shop.project.read(".env")
  expect((await shop.run("rotate-now", "production")).code).toBe(0)
  shop.project.write(".env", backup)
  await shop.run("render", "production")
  shop.project.write("api.loaded", shop.project.read(".env"))
  const { code, stderr } = await shop.run("run", "--once")
  expect(code).toBe(0)
  expect(stderr).not.toMatch(/ restart /)
  expect((await shop.run("status")).stdout).toContain("none needs attention")
}, 60_000)
