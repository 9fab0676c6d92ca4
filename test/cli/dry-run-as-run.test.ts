import { describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, openShop } from "../support/shop.ts"
import { versionsOf } from "../support/sealed.ts"
import { until } from "../support/until.ts"

/**
 * What a dry run says is what the same command then does: the same verdicts, the same order, the
 * same exit code.
 */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

async function rotatedOnce(grace: string): Promise<Shop> {
  const shop = await openShop(servers.postgres, { redis: servers.redis, secret: { grace } })
  await shop.adopt()
  expect((await shop.run("rotate-now", "production", "--no-wait")).code).toBe(0)
  return shop
}

async function stages(shop: Shop): Promise<readonly string[]> {
  return (await versionsOf(shop.project, "redis")).map(({ id, stage }) => `${id} ${stage}`)
}

describe("while the value before is in its grace", () => {
  test("the dry run refuses, as the command does", async () => {
    await using shop = await rotatedOnce("10m")
    const dry = await shop.run("rotate-now", "production", "--dry-run")
    const ran = await shop.run("rotate-now", "production")
    expect(dry.stdout).toContain("(in-grace)")
    expect(ran.stdout).toContain("(in-grace)")
    expect([dry.code, ran.code]).toEqual([1, 1])
  }, 60_000)

  test("--skip-grace --dry-run says what is revoked first, and that the rotation follows", async () => {
    await using shop = await rotatedOnce("10m")
    const before = await stages(shop)
    const dry = await shop.run("rotate-now", "production", "--skip-grace", "--dry-run")
    expect(dry.stdout).toContain(
      "Would first revoke v1 of production/redis, because its grace is cut short; " +
        "only if it is proven dead is redis rotated.\n" +
        "Would then rotate 1 secret of production. Nothing was changed.\n",
    )
    expect([dry.code, await stages(shop)]).toEqual([0, before])
    const ran = await shop.run("rotate-now", "production", "--skip-grace", "--no-wait")
    expect(ran.stdout).toContain("production/redis: rotated, v3 is current")
    expect(ran.stdout).toContain("production/redis: v1 is revoked")
    expect(ran.code).toBe(0)
  }, 60_000)

  test("and once it is over, the dry run says that the value is revoked first", async () => {
    await using shop = await rotatedOnce("1s")
    await until("the grace to be over", async () => {
      const { stdout } = await shop.run("rotate-now", "production", "--dry-run")
      return stdout.includes("because its grace is over")
    })
    const dry = await shop.run("rotate-now", "production", "--dry-run")
    expect(dry.stdout).toContain("Would then rotate 1 secret of production.")
    expect(dry.code).toBe(0)
    const ran = await shop.run("rotate-now", "production", "--no-wait")
    expect(ran.stdout).toContain("production/redis: v1 is revoked")
    expect(ran.code).toBe(0)
  }, 60_000)
})

/** The steps in the order in which they are told, each once. */
function stepsOf(text: string): readonly string[] {
  const names = [...text.matchAll(/^(?: *\d )?(apply|cut|deliver|restart|revoke) /gm)].map(
    ([, name = ""]) => name,
  )
  return [...new Set(names)]
}

describe("the steps of a containment", () => {
  test.each([[["--revoke-first"]], [[]]])(
    "with %p are said in the order of the act",
    async (more) => {
      await using shop = await openShop(servers.postgres, { redis: servers.redis })
      await shop.adopt()
      const args = ["rotate-now", "production", "--contain", ...more]
      const dry = await shop.run(...args, "--dry-run")
      const ran = await shop.run(...args, "--yes")
      expect([dry.code, ran.code], ran.stdout).toEqual([0, 0])
      expect(stepsOf(dry.stdout)).toEqual(stepsOf(ran.stderr))
      expect(stepsOf(dry.stdout)).toHaveLength(4 + more.length)
    },
    60_000,
  )

  test("name the rights that the admin lacks to end sessions, with the GRANT", async () => {
    // As init --postgres-pair makes it.
    await using shop = await openShop(servers.postgres, { pair: true })
    await shop.adopt()
    const dry = await shop.run("rotate-now", "production", "--contain", "--dry-run")
    expect(dry.stdout).toContain("may not see and end the sessions of")
    expect(dry.stdout).toMatch(/hint: .*GRANT pg_signal_backend, pg_read_all_stats TO/)
  }, 60_000)

  test("of the same incident say that what was contained gets no other value", async () => {
    await using shop = await openShop(servers.postgres, { redis: servers.redis })
    await shop.adopt()
    const args = ["rotate-now", "production", "--contain", "--incident", "leak-1"]
    expect((await shop.run(...args, "--yes")).code).toBe(0)
    const dry = await shop.run(...args, "--dry-run")
    expect(dry.stdout).toContain(
      "production/redis: contained before, by this incident: it gets no other value.",
    )
    expect(dry.stdout).toContain("Would rotate nothing of production.")
    const ran = await shop.run(...args, "--yes")
    expect([dry.code, ran.code]).toEqual([0, 0])
    expect(await stages(shop)).toContain("v2 current")
  }, 60_000)
})

test("adopt names the file that is not there; the dry run and the command after it end alike", async () => {
  await using shop = await openShop(servers.postgres, { generatedOnly: true })
  rmSync(shop.project.path(".env"))
  expect((await shop.run("init")).code).toBe(0)
  const adopt = await shop.run("adopt", "production")
  expect([adopt.code, adopt.stdout]).toEqual([
    1,
    expect.stringContaining(`${shop.project.path(".env")} does not exist (adopt-nothing)`),
  ])
  for (const more of [["--dry-run"], []])
    expect(await shop.run("rotate-now", "production", ...more)).toMatchObject({ code: 1 })
}, 60_000)

test("where nothing has a value yet, the dry run says so and ends as the command does", async () => {
  await using shop = await openShop(servers.postgres, { generatedOnly: true })
  expect((await shop.run("init")).code).toBe(0)
  const left = "production: without a value, left alone: session_key (adopt, or rotate-now --new)\n"
  const dry = await shop.run("rotate-now", "production", "--dry-run")
  const ran = await shop.run("rotate-now", "production")
  expect([dry.code, ran.code]).toEqual([1, 1])
  expect([dry.stdout, ran.stdout].map((text) => text.endsWith(left))).toEqual([true, true])
}, 60_000)
