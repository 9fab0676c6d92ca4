import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type TwoPrograms, deployments, openTwoPrograms } from "../support/two-programs.ts"

/**
 * A program whose restart a containment owes is taken out of the config: it may run on with the old
 * value.
 */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })
const selection = ["prod/rd", "prod/key"] as const
const contain = ["rotate-now", ...selection, "--contain", "--yes", "--incident", "leak-11"] as const

async function withoutB(): Promise<TwoPrograms> {
  const two = await openTwoPrograms(servers, { grace: "0s" })
  two.script("b", "exit 3")
  expect((await two.run(...contain)).code).toBe(7)
  two.configure({ deployments: deployments(["a"]) })
  return two
}

test("that is said, with what ends it, and no rotation clears it; a person can", async () => {
  await using two = await withoutB()
  const why = "b is not in the config, so no run can restart it"
  const way =
    `${why}: put it back into the config; or, once you have made sure that it does not run any ` +
    "more: mycelium reconcile prod --gone b"
  // At once, before any run has looked.
  for (const args of [["status"], ["plan"]]) expect((await two.run(...args)).stdout).toContain(why)
  const early = await two.run("check", "--quick")
  expect(early.stdout).toContain(way)
  expect(early.stdout).not.toContain("mycelium run restarts what")
  const once = await two.run("run", "--once")
  expect(once.stderr).toContain(why)
  expect(once.code).toBe(7)
  const again = await two.run(...contain)
  expect(again.stdout).toContain(way)
  expect(again.stdout).not.toContain("mycelium run restarts it")
  expect(again.code).toBe(7)
  expect((await two.run("status")).stdout).toContain(why)
  const check = await two.run("check", "--quick")
  expect(check.stdout).toContain(way)
  expect(check.stdout).not.toContain("mycelium run restarts what")

  const first = await two.run("report", "leak-11")
  expect(first.stdout).toContain(`prod/rd: ${way}`)
  expect(first.stdout).not.toContain("This command then restarts it")

  expect((await two.run("rotate-now", ...selection)).code).toBe(0)
  expect((await two.run("status")).stdout).toContain("NOT contained")
  const report = await two.run("report", "leak-11")
  expect(report.stdout).not.toContain("Contained: yes")
  expect(report.code).toBe(7)

  expect((await two.run("reconcile", "prod", "--gone", "a")).code).toBe(2)
  expect((await two.run("reconcile", "prod", "--gone", "b")).code).toBe(0)
  expect((await two.run("status")).stdout).toContain("none needs attention")
  expect((await two.run("report", "leak-11")).stdout).toContain("Contained: yes")
  expect((await two.run("audit")).stdout).toContain("program-gone")
}, 60_000)

test("put back, it is restarted, and that ends it", async () => {
  await using two = await withoutB()
  expect((await two.run("run", "--once")).code).toBe(7)
  two.configure()
  two.restarts()
  expect((await two.run("run", "--once")).code).toBe(0)
  expect((await two.run("status")).stdout).toContain("none needs attention")
  expect(two.project.read("b.loaded")).toBe(two.project.read(".env"))
}, 60_000)
