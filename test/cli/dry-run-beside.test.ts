import { createHash } from "node:crypto"
import { describe, expect, test } from "bun:test"
import { stateOf, versionsOf } from "../support/sealed.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, openShop } from "../support/shop.ts"

/** What a dry run says beside a rotation that is not finished is what the command then does. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })
const contain = ["--contain", "--incident", "leak-7"] as const

/** Killed in the restart of web, after that of api. */
async function killed(...args: readonly string[]): Promise<Shop> {
  const shop = await openShop(servers.postgres, { beside: servers.redis, two: true, admin: true })
  await shop.adopt()
  const { project } = shop
  const restart = project.read("restart-web")
  project.script("restart-web", 'kill -9 "$PPID"', "exit 1")
  expect((await shop.run("rotate-now", ...args)).signal).toBe("SIGKILL")
  project.script("restart-web", ...restart.trim().split("\n").slice(1))
  return shop
}

async function setRedisByHand(shop: Shop): Promise<void> {
  const digest = createHash("sha256").update("Set-by-hand.0123456789abcdef").digest("hex")
  await servers.redis.command("ACL", "SETUSER", shop.role, "resetpass", `#${digest}`)
}

async function stages(shop: Shop, secret: string): Promise<readonly string[]> {
  return (await versionsOf(shop.project, secret)).map(({ id, stage }) => `${id} ${stage}`)
}

describe("a rotation of which one secret's service refuses all that we know", () => {
  test("goes on with the others before a containment of one of them begins", async () => {
    await using shop = await killed("production")
    await setRedisByHand(shop)
    const args = ["rotate-now", "production/session_key", ...contain]
    const dry = await shop.run(...args, "--dry-run")
    expect(dry.stdout).toContain("It cannot be ended now, and stays open:\n  production/redis: ")
    expect(dry.stdout).toContain(
      "  this command first goes on with postgres, session_key in it, and may restart web\n",
    )
    expect(dry.stdout).toContain("Would then rotate 1 secret of production.")
    const ran = await shop.run(...args, "--yes")
    expect(await stages(shop, "postgres")).toContain("v2 current")
    expect(await stages(shop, "session_key")).toContain("v3 current")
    expect((await stateOf(shop.project))?.changeSet?.secrets).toEqual(["redis"])
    expect(dry.code).toBe(ran.code)
  }, 120_000)

  test("is ended by a containment of all, which takes it out", async () => {
    await using shop = await killed("production")
    await setRedisByHand(shop)
    const args = ["rotate-now", "--all", ...contain]
    const dry = await shop.run(...args, "--dry-run")
    expect(dry.stdout).toContain("It cannot be ended as it is:\n  production/redis: ")
    expect(dry.stdout).toContain("the containment takes redis out of it, and so ends it")
    expect(dry.stdout).not.toContain("stays open")
    const ran = await shop.run(...args, "--yes")
    expect([dry.code, ran.code], ran.stdout + dry.stdout).toEqual([0, 0])
    expect((await stateOf(shop.project))?.changeSet).toBeUndefined()
  }, 120_000)
})

test("a containment that was killed makes nothing anew in its own incident, and says so", async () => {
  await using shop = await killed("production", ...contain, "--yes")
  const before = await stages(shop, "session_key")
  const args = ["rotate-now", "production", ...contain]
  const dry = await shop.run(...args, "--dry-run")
  expect(dry.stdout).toContain("Without --dry-run this command ends it first.\n")
  expect(dry.stdout).toContain("Its end may restart web, before anything else is begun.")
  expect(dry.stdout).not.toContain("anew")
  const ran = await shop.run(...args, "--yes")
  expect([dry.code, ran.code]).toEqual([0, 0])
  expect((await stages(shop, "session_key")).length).toBe(before.length)
  expect((await shop.run("status")).stdout).toContain("none needs attention")
}, 120_000)

test("a rotation that can be ended, and is then contained: the steps of that are said, in the order of the act", async () => {
  await using shop = await killed("production")
  const args = ["rotate-now", "production", ...contain]
  const before = await stateOf(shop.project)
  const dry = await shop.run(...args, "--dry-run")
  expect(dry.stdout).toContain("ends it first, then rotates them anew.")
  expect(dry.stdout).toContain("Would then rotate 3 secrets of production in one change set.")
  for (const name of ["postgres", "redis", "session_key"])
    expect(dry.stdout).toMatch(new RegExp(`(preflight| ) +${name} +ok`))
  expect(dry.stdout).toMatch(/2 apply +postgres +ALTER ROLE .* gap: from here to the last/)
  expect(dry.stdout).toContain(
    `${shop.project.path(".env")}  POSTGRES_PASSWORD, REDIS_PASSWORD change`,
  )
  expect(await stateOf(shop.project)).toEqual(before)
  const ran = await shop.run(...args, "--yes")
  expect([dry.code, ran.code]).toEqual([0, 0])
  for (const name of ["postgres", "redis", "session_key"])
    expect(await stages(shop, name)).toContain("v3 current")
}, 120_000)
