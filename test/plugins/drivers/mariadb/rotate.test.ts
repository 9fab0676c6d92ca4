import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { text } from "../conformance/harness.ts"
import { type Project } from "../../../support/mycelium.ts"
import { versionsOf } from "../../../support/sealed.ts"
import { type MariadbServer, startMariadb } from "../../../support/servers/mariadb.ts"
import { session } from "./harness.ts"
import { layOutOneSecret, succeed } from "../../../support/one-secret.ts"

/** The whole way, by the binary and a real server, with an admin that may do no more than it needs. */

async function shop(server: MariadbServer, more: object = {}): Promise<Project> {
  const [password, rotator] = [text("password").reveal(), text("password").reveal()]
  await server.sql("create database shop")
  await server.sql(`create user 'shop'@'%' identified by '${password}'`)
  await server.sql("grant all on shop.* to 'shop'@'%'")
  await server.sql(`create user 'rotator'@'%' identified by '${rotator}'`)
  await server.sql("grant create user, process, connection admin on *.* to 'rotator'@'%'")
  await server.sql("grant select on mysql.global_priv to 'rotator'@'%'")
  const secret = {
    address: `mariadb://127.0.0.1:${server.port}`,
    user: "shop",
    admin: { user: "rotator", password: { file: "rotator.password" } },
    grace: "300ms",
    ...more,
  }
  return layOutOneSecret({
    name: "mariadb",
    options: secret,
    variable: "DB_PASSWORD",
    password,
    adminPassword: rotator,
  })
}

/** By another client than ours; "in", or the number of the refusal. */
async function login(server: MariadbServer, password: string): Promise<string> {
  const client = new Bun.SQL({
    adapter: "mysql",
    hostname: "127.0.0.1",
    port: server.port,
    username: "shop",
    password,
    database: "shop",
    max: 1,
  })
  try {
    await client.unsafe("select 1")
    return "in"
  } catch (error) {
    return error instanceof Bun.SQL.MySQLError ? String(error.errno) : String(error)
  } finally {
    await client.close()
  }
}

test("adopts what .env holds, rotates it, and the old login is refused", async () => {
  await using server = await startMariadb()
  await using project = await shop(server)
  await succeed(project, "init")
  await succeed(project, "adopt", "production")
  const old = project.variable("DB_PASSWORD")
  expect(await succeed(project, "rotate-now", "production", "--dry-run")).toContain(
    "ALTER USER 'shop'@'%' (second password)",
  )
  expect(await succeed(project, "rotate-now", "production")).toContain(
    "production/mariadb: v1 is revoked, its login is refused",
  )
  const now = project.variable("DB_PASSWORD")
  expect(now).not.toBe(old)
  expect([await login(server, old), await login(server, now)]).toEqual(["1045", "in"])
  expect(await versionsOf(project, "mariadb")).toEqual([
    { id: "v1", stage: "retired", password: old },
    { id: "v2", stage: "current", password: now },
  ])
  await succeed(project, "check", "--connect")
  expect(project.read(".env")).toStartWith("PORT=8080\n")
}, 60_000)

test("end_sessions ends what was opened with the old password", async () => {
  await using server = await startMariadb()
  await using project = await shop(server, { end_sessions: true })
  await succeed(project, "init")
  await succeed(project, "adopt", "production")
  using older = await session(server, "shop", project.variable("DB_PASSWORD"))
  await succeed(project, "rotate-now", "production")
  expect(await older.alive()).toBe(false)
  expect(readFileSync(project.auditPath(), "utf8")).toContain('"sessionsEnded":1')
}, 60_000)

test("a deployment that does not become healthy brings the old password back, and takes the new one away", async () => {
  await using server = await startMariadb()
  await using project = await shop(server)
  await succeed(project, "init")
  await succeed(project, "adopt", "production")
  const before = project.read(".env")
  project.write("good.env", before)
  project.write("loaded", before)
  project.script("health", "cmp -s loaded good.env")
  const { code, stderr } = await project.mycelium(["rotate-now", "production"])
  expect([code, stderr.includes("back")]).toEqual([1, true])
  expect(project.read(".env")).toBe(before)
  expect(await login(server, project.variable("DB_PASSWORD"))).toBe("in")
  expect(
    JSON.stringify(await server.sql("show create user 'shop'@'%'")).match(/\*[0-9A-F]{40}/g),
  ).toHaveLength(1)
}, 60_000)

const rounds = 20
test(`no login with what .env shows fails in ${rounds} rotations`, async () => {
  await using server = await startMariadb()
  await using project = await shop(server)
  await succeed(project, "init")
  await succeed(project, "adopt", "production")
  const client = startClient(server, project)
  for (let round = 0; round < rounds; round++) {
    const old = project.variable("DB_PASSWORD")
    await succeed(project, "rotate-now", "production")
    // The one before is dead by the time the command ends.
    expect([await login(server, old), project.variable("DB_PASSWORD") === old]).toEqual([
      "1045",
      false,
    ])
  }
  const { logins, failures, ms } = await client.stop()
  console.info(
    `${logins} logins, ${Math.round((logins * 1000) / ms)} a second, ` +
      `${failures.length} failed, during ${rounds} rotations in ${Math.round(ms / 1000)} s`,
  )
  expect(failures).toEqual([])
  expect(logins).toBeGreaterThan(rounds * 10)
}, 300_000)

type Tally = { readonly logins: number; readonly failures: readonly string[]; readonly ms: number }

/**
 * Reads .env and logs in, four at a time, as fast as it can. A false alarm needs 300 ms (the grace)
 * between the two: none in 220,000 logins on a busy machine.
 */
function startClient(server: MariadbServer, project: Project): { stop(): Promise<Tally> } {
  const began = performance.now()
  const failures: string[] = []
  let logins = 0
  const stopped = new AbortController()
  const loops = Array.from({ length: 4 }, async () => {
    while (!stopped.signal.aborted) {
      const answer = await login(server, project.variable("DB_PASSWORD"))
      if (answer === "in") logins++
      else failures.push(answer)
    }
  })
  return {
    stop: async () => {
      stopped.abort()
      await Promise.all(loops)
      return { logins, failures, ms: performance.now() - began }
    },
  }
}

test("what only looks, and adopt, leave the accounts as they are", async () => {
  await using server = await startMariadb()
  await using project = await shop(server)
  const accounts = (): Promise<unknown> =>
    server.sql("select User, Host, Priv from mysql.global_priv order by User, Host")
  const before = await accounts()
  await succeed(project, "init")
  for (const args of [
    ["adopt", "production"],
    ["rotate-now", "production", "--dry-run"],
    ["rotate-now", "--all", "--contain", "--dry-run"],
    ["check", "--connect"],
    ["reconcile", "production", "--dry-run"],
  ]) {
    await succeed(project, ...args)
    expect({ args, after: await accounts() }).toEqual({ args, after: before })
  }
})
