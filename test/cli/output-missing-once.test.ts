import { expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"

const servers = serversOfFile({ postgres: startPostgres })

test("an output that does not exist ends `run --once` with 7, as one that shows an older value does", async () => {
  await using shop = await openShop(servers.postgres)
  await shop.adopt()
  rmSync(shop.project.path(".env"))
  const { code, stdout, stderr } = await shop.run("run", "--once")
  expect(stdout + stderr).toContain("output-missing")
  expect(code).toBe(7)
}, 60_000)
