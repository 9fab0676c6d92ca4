import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { killsTheRun, openTwoPrograms } from "../support/two-programs.ts"

/** A revoke is owed while the rotation of another secret is not finished, which no run can end. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

test("it is said what the revoke waits for, and no run is promised to do it; check names it", async () => {
  await using two = await openTwoPrograms(servers)
  two.script("b", ...killsTheRun)
  expect((await two.run("rotate-now", "prod")).signal).toBe("SIGKILL")
  two.restarts()
  const works = `Set-by-hand.${crypto.randomUUID()}`
  await servers.redis.command("ACL", "SETUSER", two.role, "resetpass", `>${works}`)
  expect((await two.run("run", "--once")).code).toBe(7)
  const waits = "its revoke waits for the rotation of rd, which is not finished"
  const ran = await two.run("rotate-now", "prod")
  expect(ran.stdout).toContain(`prod/pg: v1 is NOT proven dead yet: ${waits}\n`)
  expect(ran.stdout).not.toContain("stays accepted")
  expect(ran.code).toBe(7)
  const check = await two.run("check", "--quick")
  expect(check.stdout).toMatch(
    new RegExp(
      `revoke-overdue: prod/pg: v1 should have been revoked .* ago and may still be accepted: ${waits}`,
    ),
  )
  // Once that rotation has ended, the revoke follows.
  two.project.write("given.json", JSON.stringify({ rd_password: works }))
  expect((await two.run("adopt", "prod", "--from", "given.json")).code).toBe(0)
  expect((await two.run("run", "--once")).code).toBe(0)
  expect((await two.run("check", "--quick")).stdout).not.toContain("revoke-overdue")
}, 60_000)
