import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { type Config, configOf, openShop } from "../support/shop.ts"

const servers = serversOfFile({ postgres: startPostgres })

test("check and the dry run name an output that no deployment reads", async () => {
  await using shop = await openShop(servers.postgres)
  await shop.adopt()
  const says = /no deployment reads \S+\.env: a program that reads it is not restarted/
  expect((await shop.run("check", "--quick")).stdout).not.toContain("no deployment reads")
  const config = configOf(shop)
  const { deployments: _, ...production } = config.environments["production"] ?? {}
  const without: Config = { ...config, environments: { production } }
  shop.project.configure(without)
  expect((await shop.run("check")).stdout).toMatch(says)
  const { code, stdout } = await shop.run("rotate-now", "production", "--dry-run")
  expect([code, stdout]).toEqual([0, expect.stringMatching(says)])
}, 60_000)
