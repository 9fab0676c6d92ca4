import { describe, expect, test } from "bun:test"
import { mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { binary } from "../support/mycelium.ts"
import { stateOf } from "../support/sealed.ts"
import { until } from "../support/until.ts"
import { configOf, openShop, type Shop } from "../support/shop.ts"

/**
 * What promises to look, or to change nothing outside, leaves the services as they are: their
 * catalogs, their files, what only their memory holds.
 */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

const visitor = "visitor"

async function services(): Promise<unknown> {
  const writes = /^cmdstat_(acl\|(save|setuser|deluser|load)|config\|(set|rewrite)):calls=\d+/
  return {
    roles: await servers.postgres.sql(
      "select xmin::text, ctid::text, rolname, rolpassword from pg_authid order by rolname",
    ),
    users: await servers.redis.command("ACL", "LIST"),
    file: readFileSync(join(servers.redis.folder, "users.acl"), "utf8"),
    writes: String(await servers.redis.command("INFO", "commandstats"))
      .split("\r\n")
      .flatMap((line) => writes.exec(line)?.[0] ?? []),
  }
}

/** A user that is to be gone after the server's next start. */
async function open(): Promise<Shop> {
  await servers.redis.command("ACL", "SETUSER", visitor, "reset")
  const shop = await openShop(servers.postgres, { admin: true, beside: servers.redis, two: true })
  await servers.redis.command("ACL", "SETUSER", visitor, "on", "nopass", "~*", "+@all")
  return shop
}

const looks: readonly (readonly string[])[] = [
  ["rotate-now", "production", "--dry-run"],
  ["rotate-now", "--all", "--contain", "--dry-run"],
  ["reconcile", "production", "--dry-run"],
  ["delete", "production"],
  ["status"],
  ["plan"],
  ["check"],
]

describe("beside a user that only the server's memory holds", () => {
  test("adopt leaves it there alone", async () => {
    await using shop = await open()
    const before = await services()
    await shop.adopt()
    expect(await services()).toEqual(before)
  })

  test("so does all that only looks, and the store stays as it is to the byte", async () => {
    await using shop = await open()
    const config = configOf(shop)
    const outputs = [
      ...((config.environments["production"]?.["outputs"] ?? []) as readonly object[]),
      { dotenv: "mounted/place.env", in_place: true, variables: { REDIS: "{{ redis.password }}" } },
      { folder: "single", files: { password: "{{ postgres.password }}" } },
      { template: "redis.conf", text: "requirepass {{ redis.password }}\n" },
    ]
    shop.project.configure({
      ...config,
      environments: { production: { ...config.environments["production"], outputs } },
    })
    for (const folder of ["mounted", "single"])
      mkdirSync(shop.project.path(folder), { mode: 0o700 })
    await shop.adopt()
    expect((await shop.run("render", "production")).code).toBe(0)
    const [before, files] = [await services(), shop.project.snapshot()]
    for (const args of looks) {
      // The shop's two logins begin with one password, which check is right to find.
      const code = { delete: 2, check: 4 }[args[0] ?? ""] ?? 0
      expect({
        args,
        code: (await shop.run(...args)).code,
        after: await services(),
        files: shop.project.snapshot(),
      }).toEqual({ args, code, after: before, files })
    }
  }, 60_000)

  test("so does the watch for drift, which finds one meanwhile", async () => {
    await using shop = await open()
    const config = configOf(shop)
    shop.project.configure({
      ...config,
      environments: { production: { ...config.environments["production"], watch: "10s" } },
    })
    await shop.adopt()
    await shop.setPassword("Set-by-hand-at-night.1")
    const before = await services()
    const child = Bun.spawn([binary, "run"], {
      cwd: shop.project.folder,
      env: { ...shop.project.environment },
      stdio: ["ignore", "ignore", "ignore"],
    })
    try {
      await until(
        "the drift to be noted",
        async () => (await stateOf(shop.project))?.secrets["postgres"]?.drift !== undefined,
        30_000,
      )
      expect(await services()).toEqual(before)
    } finally {
      child.kill("SIGTERM")
      await child.exited
    }
  }, 60_000)

  test("so does check --connect, which writes its line into the log and no more, and the dry run says what a rotation keeps", async () => {
    await using shop = await open()
    await shop.adopt()
    const before = await services()
    expect((await shop.run("check", "--connect")).stdout).toContain("redis-saves-all")
    expect((await shop.run("rotate-now", "production", "--dry-run")).stdout).toContain(
      "becomes permanent too",
    )
    expect(await services()).toEqual(before)
  })
})
