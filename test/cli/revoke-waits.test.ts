import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { stateOf } from "../support/sealed.ts"
import { openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"
import { killsTheRun, openTwoPrograms } from "../support/two-programs.ts"

/** A revoke is owed while the rotation of another secret is not finished, which no run can end. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

test("it is done all the same; what waits for the open rotation is named: in plan, status and check", async () => {
  await using two = await openTwoPrograms(servers)
  two.script("b", ...killsTheRun)
  expect((await two.run("rotate-now", "prod")).signal).toBe("SIGKILL")
  two.restarts()
  const works = `Set-by-hand.${crypto.randomUUID()}`
  await servers.redis.command("ACL", "SETUSER", two.role, "resetpass", `>${works}`)
  const once = await two.run("run", "--once")
  expect(once.code).toBe(7)
  expect(once.stderr).toContain("prod/rd")
  // The old value of pg is dead, and its death is in the state; the journal is open as before.
  const found = await stateOf(two.project, "prod")
  expect(found?.secrets["pg"]?.versions.map(({ stage }) => stage.kind)).toEqual([
    "retired",
    "current",
  ])
  expect(found?.changeSet?.secrets).toEqual(["rd"])
  const ran = await two.run("rotate-now", "prod")
  expect(ran.stdout).not.toContain("NOT proven dead")
  expect(ran.code).toBe(7)
  expect((await two.run("check", "--quick")).stdout).not.toContain("revoke-overdue")
  // The next rotation of the others waits, and no time is promised for it without saying so.
  const waits = "wait for the rotation of rd, which is not finished"
  const plan = await two.run("plan", "--days", "100")
  expect(plan.stdout).toMatch(new RegExp(`rotate .*pg.* · .*pg.* ${waits}`))
  const planned = JSON.parse((await two.run("plan", "--json", "--days", "100")).stdout) as {
    readonly environments: readonly { readonly events: readonly object[] }[]
  }
  const waiting = planned.environments[0]?.events.find((event) => "waits" in event)
  expect(waiting).toMatchObject({ waits: [{ for: ["rd"] }] })
  expect((await two.run("status", "--json")).stdout).toContain('"waitsFor":["rd"]')
  expect(once.stderr).not.toMatch(/ next /)
  two.project.write("given.json", JSON.stringify({ rd_password: works }))
  expect((await two.run("adopt", "prod", "--from", "given.json")).code).toBe(0)
  expect((await two.run("run", "--once")).code).toBe(0)
  expect((await two.run("plan", "--days", "100")).stdout).not.toContain("not finished")
}, 60_000)

test("a program that is not healthy any more holds it up: status, plan and check name the program", async () => {
  await using shop = await openShop(servers.postgres, {
    redis: servers.redis,
    secret: { grace: "1s" },
  })
  const { project } = shop
  await shop.adopt()
  expect((await shop.run("rotate-now", "production", "--no-wait")).code).toBe(0)
  project.write("api.loaded", "gone")
  await until("the grace to end", async () => (await shop.run("run", "--once")).code === 1)
  const why = "at the last try: api is not healthy any more, so the former value is not taken away"
  const said = async (...args: readonly string[]): Promise<string> =>
    (await shop.run(...args)).stdout
  expect(await said("status")).toContain(`revoke of v1 owed, ${why}`)
  expect(await said("plan")).toContain(`! redis  the revoke of v1 waits, ${why}`)
  for (const args of [["--quick"], ["--connect"]]) {
    const check = await said("check", ...args)
    expect(check).toMatch(new RegExp(`revoke-overdue: .* may still be accepted: ${why}`))
    expect(check).toContain("remedy: look at its log; once api is healthy the revoke follows")
    expect(check).not.toContain("see that mycelium run is running")
  }
  project.write("api.loaded", project.read(".env"))
  expect((await shop.run("run", "--once")).code).toBe(0)
  for (const args of [["status"], ["plan"], ["check", "--quick"]])
    expect(await said(...args)).not.toContain("api is not healthy")
  expect((await stateOf(project))?.secrets["redis"]?.revokeHeld).toBeUndefined()
}, 60_000)
