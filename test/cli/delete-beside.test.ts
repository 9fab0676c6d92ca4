import { describe, expect, test } from "bun:test"
import { versionsOf } from "../support/sealed.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, openShop } from "../support/shop.ts"

/** What `delete --dry-run` says beside a rotation that is not finished is what `delete --yes` does. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

/** Killed in the restart of the api, with the role's value in the file. */
async function killed(): Promise<Shop> {
  const shop = await openShop(servers.postgres, { beside: servers.redis, two: true, admin: true })
  await shop.adopt()
  const { project } = shop
  const restart = project.read("restart-api")
  project.script("restart-api", 'kill -9 "$PPID"', "exit 1")
  expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
  project.script("restart-api", ...restart.trim().split("\n").slice(1))
  return shop
}

describe("delete beside a rotation that cannot be ended now", () => {
  test("foretells that nothing is erased, of a secret of it and of any other", async () => {
    await using shop = await killed()
    await shop.setPassword("Set-by-hand.0123456789abcdef")
    for (const name of ["postgres", "session_key"]) {
      const dry = await shop.run("delete", `production/${name}`, "--dry-run")
      expect(dry.stdout).toContain("It cannot be ended now, and stays open:")
      expect(dry.stdout).toContain("production/postgres: the service refuses every value")
      expect(dry.stdout).toContain(
        `production/${name}: NOT erased: production: a rotation is not finished yet (journal-open)`,
      )
      expect(dry.stdout).not.toContain("Would erase")
      expect(dry.stderr).toContain("--yes would erase nothing now")
      const ran = await shop.run("delete", `production/${name}`, "--yes")
      expect(ran.stderr).toContain("a rotation is not finished yet")
      // The api may be cut off from the role.
      expect([dry.code, ran.code]).toEqual([7, 7])
    }
    expect(await versionsOf(shop.project, "session_key")).not.toEqual([])
  }, 120_000)

  test("and that one which can be ended is ended first", async () => {
    await using shop = await killed()
    const dry = await shop.run("delete", "production/session_key", "--dry-run")
    expect(dry.stdout).toContain("With --yes this command ends it first.")
    expect(dry.stdout).toContain("Would erase production/session_key, for good:")
    expect(dry.stderr).toContain("--yes does it")
    const ran = await shop.run("delete", "production/session_key", "--yes")
    expect([dry.code, ran.code]).toEqual([0, 0])
    expect(await versionsOf(shop.project, "session_key")).toEqual([])
  }, 120_000)
})

test("of a secret of which nothing is here, the dry run promises nothing", async () => {
  await using shop = await openShop(servers.postgres, { generatedOnly: true })
  expect((await shop.run("init")).code).toBe(0)
  const dry = await shop.run("delete", "production/session_key", "--dry-run")
  expect(dry.stdout).toBe("production/session_key: nothing of it is in the state\n")
  expect(dry.stderr).toContain("nothing was changed: --yes would erase nothing now")
  expect(dry.stderr).not.toContain("--yes does it")
  expect(dry.code).toBe(0)
})
