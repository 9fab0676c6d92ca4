import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { startRelay } from "../support/relay.ts"
import { stateOf, versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, openShop } from "../support/shop.ts"

/** What people do to a server, and mend again. Backups that are put back: `../cli/reconcile.test.ts`. */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

const rotate = ["rotate-now", "production"]
const stages = async (shop: Shop): Promise<readonly string[]> =>
  (await versionsOf(shop.project, "postgres")).map(({ id, stage }) => `${id} ${stage}`)

describe("the admin's login", () => {
  test("that is broken blocks a rotation before any value exists; mended, it goes on", async () => {
    await using shop = await openShop(server, { admin: true })
    const { project, role } = shop
    await shop.adopt()
    const admin = project.read("admin.password")
    await server.sql(`alter role ${role}_admin password 'Another-one.1'`)
    const refused = await shop.run(...rotate)
    expect(refused.stdout).toContain("(password-refused)")
    expect(refused.code).toBe(1)
    expect(await stages(shop)).toEqual(["v1 current"])
    await server.sql(`alter role ${role}_admin password '${admin.trim()}'`)
    expect((await shop.run(...rotate)).code).toBe(0)
  })

  test("that breaks while a killed rotation is open keeps it open, touching nothing; mended, it ends with the same value", async () => {
    await using shop = await openShop(server, { admin: true })
    const { project, role } = shop
    await shop.adopt()
    const admin = project.read("admin.password")
    const hook = project.read("restart-api")
    project.script(
      "restart-api",
      'if [ ! -e once ]; then touch once; kill -9 "$PPID"; exit 1; fi',
      ...hook.split("\n").slice(1),
    )
    expect((await shop.run(...rotate)).signal).toBe("SIGKILL")
    const made = shop.shown
    await server.sql(`alter role ${role}_admin password 'Another-one.1'`)
    const waits = await shop.run("run", "--once")
    expect(waits.code).not.toBe(0)
    expect([
      shop.shown,
      await shop.login(made),
      (await stateOf(project))?.changeSet !== undefined,
    ]).toEqual([made, "in", true])
    await server.sql(`alter role ${role}_admin password '${admin.trim()}'`)
    const again = await shop.run(...rotate)
    expect(again.stdout).toContain("production/postgres: rotated, v2 is current")
    expect([again.code, shop.shown]).toEqual([0, made])
    expect(await stages(shop)).toEqual(["v1 retired", "v2 current"])
  }, 60_000)
})

describe("the role", () => {
  test("that was dropped is named, and nothing is made; created again with the old password, it rotates", async () => {
    await using shop = await openShop(server, { admin: true })
    const { role, old } = shop
    await shop.adopt()
    await server.sql(`drop role ${role}`)
    const refused = await shop.run(...rotate)
    expect(refused.stdout).toContain(`role ${role} does not exist (account-missing)`)
    expect(refused.code).toBe(1)
    const unknown = await shop.run("reconcile", "production")
    expect([unknown.code, await stages(shop)]).toEqual([7, ["v1 current"]])
    await server.sql(
      `create role ${role} login password '${old}'; grant ${role} to ${role}_admin with admin option`,
    )
    expect((await shop.run("reconcile", "production")).code).toBe(0)
    expect((await shop.run(...rotate)).code).toBe(0)
  }, 60_000)

  test("that may not be changed any more, from the moment of the change on: the old value works, the new one is proven dead", async () => {
    await using relay = await startRelay(server.port)
    await using shop = await openShop(server, { admin: true })
    const { project, role } = shop
    project.write(
      "mycelium.yaml",
      project
        .read("mycelium.yaml")
        .replaceAll(`127.0.0.1:${server.port}`, `127.0.0.1:${relay.port}`),
    )
    await shop.adopt()
    let changes = 0
    relay.watch(async (bytes): Promise<"pass"> => {
      if (!bytes.includes("ALTER ROLE")) return "pass"
      changes++
      await server.sql(`alter role ${role}_admin nocreaterole`)
      return "pass"
    })
    const refused = await shop.run(...rotate)
    expect(refused.stdout).toContain("production/postgres: left as it was: ")
    expect(refused.stdout).toContain("(refused-by-policy)")
    expect(refused.code).toBe(1)
    expect(changes).toBe(3)
    expect([await shop.login(shop.old), shop.shown, project.has("api.log")]).toEqual([
      "in",
      shop.old,
      false,
    ])
    expect(await stages(shop)).toEqual(["v1 current", "v2 retired"])
    await server.sql(`alter role ${role}_admin createrole`)
    relay.watch(() => "pass")
    expect((await shop.run(...rotate)).code).toBe(0)
    expect(await stages(shop)).toEqual(["v1 retired", "v2 retired", "v3 current"])
  }, 60_000)
})
