import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { clientOf } from "../support/login.ts"
import { openShop } from "../support/shop.ts"

/** What a dry run notes is one line each; and where an intruder's sessions would live on, nothing is "ok". */

const servers = serversOfFile({ server: startPostgres })

test("each note of the preflight is a line of its own", async () => {
  await using shop = await openShop(servers.server, { pair: true })
  await shop.adopt()
  const { stdout, code } = await shop.run("rotate-now", "production", "--dry-run")
  expect(code).toBe(0)
  expect(stdout).toMatch(/^ {2}1 preflight postgres {2}ok$/m)
  expect(stdout).toMatch(/^ +note: \S+ may not see and end the sessions of [^\n]*$/m)
  expect(stdout).toMatch(/^ +note: \S+ \(uid \d+\) listens at 127\.0\.0\.1:\d+$/m)
}, 60_000)

test("in an incident, a secret whose older sessions would live on is not called ok; nor is status fine then", async () => {
  await using shop = await openShop(servers.server, { pair: true })
  await shop.adopt()
  const dry = await shop.run("rotate-now", "production", "--contain", "--dry-run")
  expect(dry.stdout).toContain(
    "1 preflight postgres  BUT  for new logins only: sessions that were opened before may live\n",
  )
  await using client = clientOf(servers.server, `${shop.role}_blue`, shop.old)
  await client`select 1`
  const ran = await shop.run("rotate-now", "production", "--contain", "--yes")
  expect(ran.stdout).toContain("contained for new logins")
  const { stdout } = await shop.run("status")
  expect(stdout).toContain("may live")
  expect(stdout).not.toContain("none needs attention")
  expect(stdout).toContain("1 contained for new logins only")
}, 60_000)
