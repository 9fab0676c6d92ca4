import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type TwoPrograms, killsTheRun, openTwoPrograms } from "../support/two-programs.ts"

/** Several secrets in one file: what is said of one does not depend on what it shows of another. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

function show(two: TwoPrograms, key: string, value: string): void {
  const { project } = two
  project.write(
    ".env",
    project.read(".env").replace(new RegExp(`^${key}=.*$`, "m"), `${key}=${value}`),
  )
}

test("reconcile says of none that its line differs because another one does", async () => {
  await using two = await openTwoPrograms(servers)
  const old = two.project.variable("POSTGRES_PASSWORD")
  expect((await two.run("rotate-now", "prod/pg")).code).toBe(0)
  show(two, "POSTGRES_PASSWORD", old)
  const ran = await two.run("reconcile", "prod")
  const env = two.project.path(".env")
  expect(ran.stdout).toBe(
    "prod/pg: v2 is current\n  " +
      `hint: ${env} shows another value: mycelium render prod writes it\n` +
      "prod/rd: v1 is current\n" +
      "prod/key: v1 is current\n",
  )
  expect(ran.code).toBe(0)
  // A value there that no version holds is a matter of that secret alone.
  show(two, "POSTGRES_PASSWORD", `Unknown.${crypto.randomUUID()}`)
  const held = await two.run("reconcile", "prod")
  expect(held.stdout).toContain("prod/pg: v2 is accepted, but ")
  expect(held.stdout).toContain("prod/rd: v1 is current\nprod/key: v1 is current\n")
})

test("reconcile names render only for when it can be done", async () => {
  await using two = await openTwoPrograms(servers)
  two.script("b", ...killsTheRun)
  const old = two.project.variable("POSTGRES_PASSWORD")
  expect((await two.run("rotate-now", "prod")).signal).toBe("SIGKILL")
  two.restarts()
  await servers.redis.command("ACL", "SETUSER", two.role, "resetpass", ">x")
  expect((await two.run("run", "--once")).code).toBe(7)
  const ran = await two.run("reconcile", "prod")
  expect(ran.stdout).toContain("prod/pg: v2 is current\nprod/rd: ")
  expect(ran.stdout).toEndWith("prod/key: v2 is current\n")
  show(two, "POSTGRES_PASSWORD", old)
  expect((await two.run("reconcile", "prod")).stdout).toContain(
    "prod/pg: v2 is current\n  " +
      `hint: ${two.project.path(".env")} shows another value: once the rotation of rd has ` +
      "ended, mycelium render prod writes it\n",
  )
})

test("adopt calls no file another that shows what it has just read there", async () => {
  await using two = await openTwoPrograms(servers)
  const old = two.project.variable("POSTGRES_PASSWORD")
  expect((await two.run("rotate-now", "prod/pg")).code).toBe(0)
  const value = `Set-by-hand.${crypto.randomUUID()}`
  await servers.redis.command("ACL", "SETUSER", two.role, `>${value}`)
  show(two, "REDIS_PASSWORD", value)
  show(two, "POSTGRES_PASSWORD", old)
  const ran = await two.run("adopt", "prod")
  expect(ran.stdout).toContain("prod/rd: adopted as v2: ")
  expect(ran.stdout).not.toContain("is not up to date")
  expect(ran.stdout).not.toContain("shows another value")
  expect(ran.stdout).toContain("  restart what may still hold the former value: a, b")
})
