import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import type { StateDocument } from "../../src/core/state.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, openShop } from "../support/shop.ts"

/** A second adopt takes over what a person has set: what becomes of the value before it. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

function stages({ project, service }: Shop): readonly string[] {
  const document = JSON.parse(readFileSync(project.statePath(), "utf8")) as StateDocument
  return (document.secrets[service.secret]?.versions ?? []).map(
    ({ id, stage }) => `${id} ${stage.kind}`,
  )
}

async function setByHand(shop: Shop, key: string): Promise<string> {
  const value = `Set-by-hand.${crypto.randomUUID()}`
  shop.project.write(
    ".env",
    shop.project.read(".env").replace(`${key}=${shop.old}`, `${key}=${value}`),
  )
  return value
}

test("where two values live, the one before is revoked in its time, and proven dead: adopt itself changes nothing", async () => {
  await using shop = await openShop(servers.postgres, { redis: servers.redis })
  await shop.adopt()
  const value = await setByHand(shop, "REDIS_PASSWORD")
  await servers.redis.command("ACL", "SETUSER", shop.role, `>${value}`)
  expect((await shop.run("adopt", "production")).code).toBe(0)
  expect([stages(shop), await shop.login(shop.old)]).toEqual([["v1 previous", "v2 current"], "in"])
  // The api still runs with the value before it: that lives until the api has restarted.
  const waits = await shop.run("run", "--once")
  expect(waits.stdout + waits.stderr).toContain("api is not healthy any more")
  expect(await shop.login(shop.old)).toBe("in")
  shop.project.write("api.loaded", shop.project.read(".env"))
  expect((await shop.run("run", "--once")).code).toBe(0)
  expect([stages(shop), await shop.login(shop.old), await shop.login(value)]).toEqual([
    ["v1 retired", "v2 current"],
    "WRONGPASS",
    "in",
  ])
})

test("where one value lives, the login that was accepted has shown that the one before is dead", async () => {
  await using shop = await openShop(servers.postgres)
  await shop.adopt()
  const value = await setByHand(shop, "POSTGRES_PASSWORD")
  await shop.setPassword(value)
  expect((await shop.run("adopt", "production")).code).toBe(0)
  expect([stages(shop), await shop.login(shop.old)]).toEqual([
    ["v1 retired", "v2 current"],
    "28P01",
  ])
})

test("it names the programs that may hold the value before, and the files that show it", async () => {
  await using shop = await openShop(servers.postgres)
  const first = await (async () => {
    await shop.project.mycelium(["init"])
    return shop.run("adopt", "production")
  })()
  expect({ code: first.code, said: first.stdout }).toEqual({
    code: 0,
    said: expect.not.stringContaining("restart"),
  })
  const value = await setByHand(shop, "POSTGRES_PASSWORD")
  await shop.setPassword(value)
  expect((await shop.run("adopt", "production")).stdout).toContain(
    "  restart what may still hold the former value: api",
  )
  // One that stands in no file yet.
  const given = `Set-by-hand.${crypto.randomUUID()}`
  await shop.setPassword(given)
  shop.project.write("given.json", JSON.stringify({ postgres_password: given }))
  const ran = await shop.run("adopt", "production", "--from", "given.json")
  expect(ran.stdout).toContain(
    `  ${shop.project.path(".env")} is not up to date: mycelium render production writes it\n  ` +
      "then restart what may still hold the former value: api",
  )
  // As it says.
  expect((await shop.run("render", "production")).code).toBe(0)
  expect(shop.shown).toBe(given)
})
