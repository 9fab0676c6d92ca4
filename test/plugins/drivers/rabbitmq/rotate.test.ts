import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { type Project } from "../../../support/mycelium.ts"
import { versionsOf } from "../../../support/sealed.ts"
import { type RabbitmqServer, startRabbitmq } from "../../../support/servers/rabbitmq.ts"
import { text } from "../conformance/harness.ts"
import { clockPasses, program, shown } from "./harness.ts"
import { layOutOneSecret, succeed } from "../../../support/one-secret.ts"

/** The whole way, by the binary and a real server, with an admin that may do no more than it needs. */

async function shop(server: RabbitmqServer, more: object = {}): Promise<Project> {
  const [password, rotator] = [text("password").reveal(), text("password").reveal()]
  await server.user("shop", password)
  await server.ask("PUT", "users/rotator", { password: rotator, tags: "administrator" })
  const secret = {
    driver: "rabbitmq",
    address: `http://127.0.0.1:${server.port}`,
    amqp: `amqp://127.0.0.1:${server.amqpPort}`,
    user: "shop",
    vhost: "/",
    admin: { user: "rotator", password: { file: "rotator.password" } },
    ...more,
  }
  return layOutOneSecret({
    name: "queue",
    options: secret,
    variable: "QUEUE_PASSWORD",
    password,
    adminPassword: rotator,
  })
}

/** By another way than ours: of a user without a tag the API says whether its password was right. */
async function login(server: RabbitmqServer, password: string): Promise<string> {
  const { body } = await server.api("GET", "whoami", undefined, { user: "shop", password })
  if (body.includes("Not management user")) return "in"
  return body.includes("Login failed") ? "no" : body
}

test("adopts what .env holds, rotates it, and the old login is refused", async () => {
  await using server = await startRabbitmq()
  await using project = await shop(server)
  await succeed(project, "init")
  await succeed(project, "adopt", "production")
  const old = project.variable("QUEUE_PASSWORD")
  expect(await succeed(project, "rotate-now", "production", "--dry-run")).toContain(
    "PUT /api/users/shop (password_hash)",
  )
  await succeed(project, "rotate-now", "production")
  const now = project.variable("QUEUE_PASSWORD")
  expect(now).not.toBe(old)
  expect([await login(server, old), await login(server, now)]).toEqual(["no", "in"])
  expect(await versionsOf(project, "queue")).toEqual([
    { id: "v1", stage: "retired", password: old },
    { id: "v2", stage: "current", password: now },
  ])
  await succeed(project, "check", "--connect")
  // Neither a value nor the admin's password stands in the server's log, nor in ours.
  const logs = server.logs() + readFileSync(project.auditPath(), "utf8")
  for (const value of [old, now, project.read("rotator.password").trim()])
    expect(logs).not.toContain(value)
}, 120_000)

test("end_sessions ends what was opened with the old password", async () => {
  await using server = await startRabbitmq()
  await using project = await shop(server, { end_sessions: true })
  await succeed(project, "init")
  await succeed(project, "adopt", "production")
  const password = project.variable("QUEUE_PASSWORD")
  using older = await program(server, { user: "shop", password })
  await clockPasses(server)
  await succeed(project, "rotate-now", "production")
  expect(older.ended()).toBe(true)
  expect(readFileSync(project.auditPath(), "utf8")).toContain('"sessionsEnded":1')
}, 120_000)

test("a deployment that does not become healthy brings the old password back", async () => {
  await using server = await startRabbitmq()
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
  expect(await login(server, project.variable("QUEUE_PASSWORD"))).toBe("in")
}, 120_000)

test("a run that is killed with the new password at the server is finished by the next", async () => {
  await using server = await startRabbitmq()
  await using project = await shop(server)
  await succeed(project, "init")
  await succeed(project, "adopt", "production")
  const old = project.variable("QUEUE_PASSWORD")
  project.script(
    "restart",
    'if [ -e die ]; then rm die; kill -9 "$PPID"; exit 1; fi',
    "cp .env loaded",
  )
  project.write("die", "")
  expect((await project.mycelium(["rotate-now", "production"])).signal).toBe("SIGKILL")
  expect(await login(server, old)).toBe("no")
  await server.restart("kill")
  await succeed(project, "rotate-now", "production")
  const now = project.variable("QUEUE_PASSWORD")
  expect([await login(server, old), await login(server, now)]).toEqual(["no", "in"])
  expect(await versionsOf(project, "queue")).toContainEqual({
    id: "v2",
    stage: "current",
    password: now,
  })
}, 120_000)

test("a containment leaves only the new password, and no session that used another", async () => {
  await using server = await startRabbitmq()
  await using project = await shop(server)
  await succeed(project, "init")
  await succeed(project, "adopt", "production")
  const old = project.variable("QUEUE_PASSWORD")
  await server.ask("PUT", "users/shop", { password: "an-intruder-knows-it", tags: "" })
  using intruder = await program(server, { user: "shop", password: "an-intruder-knows-it" })
  await clockPasses(server)
  const contain = ["rotate-now", "production", "--contain", "--reason", "a leak", "--yes"]
  await succeed(project, ...contain)
  expect(intruder.ended()).toBe(true)
  const now = project.variable("QUEUE_PASSWORD")
  for (const dead of [old, "an-intruder-knows-it"]) expect(await login(server, dead)).toBe("no")
  expect(await login(server, now)).toBe("in")
}, 120_000)

test("a first value, and a delete after which no login works", async () => {
  await using server = await startRabbitmq()
  await using project = await shop(server)
  project.write(".env", "PORT=8080\nQUEUE_PASSWORD=\n")
  await succeed(project, "init")
  await succeed(project, "rotate-now", "production", "--new")
  const now = project.variable("QUEUE_PASSWORD")
  expect(await login(server, now)).toBe("in")
  await succeed(project, "delete", "production", "--yes")
  expect(await login(server, now)).toBe("no")
  expect(await shown(server, "shop")).toMatchObject({ password_hash: "" })
}, 120_000)

test("what only looks, and adopt, leave the users as they are", async () => {
  await using server = await startRabbitmq()
  await using project = await shop(server)
  const users = (): Promise<unknown> => server.ask("GET", "users")
  const before = await users()
  await succeed(project, "init")
  for (const args of [
    ["adopt", "production"],
    ["rotate-now", "production", "--dry-run"],
    ["rotate-now", "--all", "--contain", "--dry-run"],
    ["check", "--connect"],
    ["reconcile", "production", "--dry-run"],
  ]) {
    await succeed(project, ...args)
    expect({ args, after: await users() }).toEqual({ args, after: before })
  }
}, 120_000)
