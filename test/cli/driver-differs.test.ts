import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import type { Project } from "../support/mycelium.ts"
import { openShop } from "../support/shop.ts"

/** The config names another driver than the one that made a secret's values. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })
const why = "its values are of the driver redis, and the config says generated"

test("nothing is called contained, rotated or well while the driver is another one", async () => {
  await using shop = await openShop(servers.postgres, { redis: servers.redis })
  await shop.adopt()
  const config = shop.project.read("mycelium.yaml")
  editDriver(shop.project)

  const incident = ["--contain", "--incident", "INC-1"]
  const ends = {
    contain: await shop.run("rotate-now", "production", ...incident),
    rotate: await shop.run("rotate-now", "production"),
    adopt: await shop.run("adopt", "production"),
    reconcile: await shop.run("reconcile", "production"),
    delete: await shop.run("delete", "production/redis", "--yes"),
    check: await shop.run("check"),
    quick: await shop.run("check", "--quick"),
    report: await shop.run("report", "INC-1"),
  }
  const codes = Object.entries(ends).map(([name, { code }]) => [name, code])
  expect(Object.fromEntries(codes)).toEqual({
    contain: 7,
    rotate: 1,
    adopt: 1,
    reconcile: 7,
    delete: 1,
    check: 4,
    quick: 4,
    report: 7,
  })
  for (const [name, { stdout, stderr }] of Object.entries(ends))
    expect([name, `${stdout}${stderr}`]).toEqual([name, expect.stringContaining("driver-differs")])
  const status = await shop.run("status")
  expect(status.stdout).toContain(why)
  expect((await shop.run("plan")).stdout).toContain(`! redis  ${why}`)
  expect(status.stdout).toContain("1 needs attention")
  expect(await shop.service.login({ user: shop.role, password: shop.old })).toBe("in")

  shop.project.write("mycelium.yaml", config)
  expect((await shop.run("rotate-now", "production", ...incident)).code).toBe(0)
  expect(await shop.service.login({ user: shop.role, password: shop.old })).toBe("WRONGPASS")
}, 60_000)

test("a login that is another one from now on: the hint leads out", async () => {
  await using shop = await openShop(servers.postgres, { redis: servers.redis })
  await shop.adopt()
  editDriver(shop.project)
  await servers.redis.command("ACL", "DELUSER", shop.role)
  for (const args of [
    ["delete", "production/redis", "--login-ended", "--yes"],
    ["rotate-now", "production/redis", "--new"],
  ])
    expect([args, (await shop.run(...args)).code]).toEqual([args, 0])
  expect((await shop.run("check", "--quick")).stdout).not.toContain("driver-differs")
}, 60_000)

/** From redis to generated. */
function editDriver(project: Project): void {
  const config = JSON.parse(project.read("mycelium.yaml")) as {
    readonly environments: { readonly production: { readonly secrets: Record<string, object> } }
  }
  config.environments.production.secrets["redis"] = { driver: "generated" }
  project.write("mycelium.yaml", JSON.stringify(config))
}
