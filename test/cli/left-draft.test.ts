import { expect, test } from "bun:test"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { PostgresServer } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"

/** A generated value alone: no server is asked. */
const none = {} as PostgresServer

test("a draft of the state that a loss of power left is gone after the next rotation", async () => {
  await using shop = await openShop(none, { generatedOnly: true })
  await shop.adopt()
  const { stateFolder } = shop.project
  writeFileSync(join(stateFolder, ".production.json.mycelium-draft"), '{"half', { mode: 0o600 })
  expect((await shop.run("rotate-now", "production")).code).toBe(0)
  expect(readdirSync(stateFolder).filter((name) => name.startsWith("."))).toEqual([])
})
