import { describe, expect, jest, test } from "bun:test"
import { ActivityScope } from "../../../../src/base/activity-scope.ts"
import type { Credential, Driver } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { postgres } from "../../../../src/plugins/drivers/postgres/index.ts"
import {
  type PooledConnection,
  ConnectionPool,
} from "../../../../src/plugins/drivers/server/connection-pool.ts"
import { startPostgres } from "../../../support/servers/postgres.ts"
import { until } from "../../../support/until.ts"
import { credential, drafted, host, passwordIn, soon, versions } from "../postgres/harness.ts"
import { serversOfFile } from "../../../support/servers-of-file.ts"

/** An admin logs in once for all acts of a run. */

const servers = serversOfFile({ postgres: startPostgres })

let count = 0
type World = {
  readonly open: (label: string, role: string, admin?: string, variable?: string) => Driver
  readonly activity: ActivityScope
  readonly admin: string
  readonly reads: string[]
  password: string
}

/**
 * An admin of its own, so that its sessions can be told from those of others; `reads`: which
 * references were read.
 */
async function world(): Promise<World> {
  const admin = `rotator${++count}`
  const password = `pw-of-${admin}`
  await servers.postgres.sql(`create role ${admin} login superuser password '${password}'`)
  const activity = new ActivityScope()
  const self: World = {
    activity,
    admin,
    password,
    reads: [],
    open: (label, role, user = admin, variable = "X") =>
      postgres.open(
        postgres.options.parse({
          address: `postgresql://127.0.0.1:${servers.postgres.port}/postgres`,
          role,
          admin: { user, password: { env: variable } },
        }),
        {
          host,
          label,
          owner: "0a1b2c3d4e5f",
          folder: servers.postgres.folder,
          activity: activity,
          credential: async (reference) => {
            self.reads.push(String(reference["env"]))
            return new Secret("admin", self.password)
          },
        },
      ),
  }
  return self
}

async function newRole(): Promise<{ readonly role: string; readonly old: Credential }> {
  const role = `kept${++count}`
  await servers.postgres.sql(`create role ${role} login password 'old-password'`)
  return { role, old: credential("v1", { user: role, password: "old-password" }) }
}

/** The admin's sessions: process and name. */
async function sessionsOf(admin: string): Promise<readonly string[]> {
  return (
    await servers.postgres.sql(
      "select pid || ' ' || application_name as it from pg_stat_activity where usename = " +
        `'${admin}' order by pid`,
    )
  ).map(({ it }) => String(it))
}
const none = (admin: string): Promise<void> =>
  until("no session is left", async () => (await sessionsOf(admin)).length === 0)

test("a connection that is in use all the time is closed after half a minute all the same", async () => {
  const activity = new ActivityScope()
  const leave = activity.join()
  const standing = new ConnectionPool<PooledConnection>(activity)
  let [opened, closed] = [0, 0]
  const one = (): PooledConnection => ({
    usable: true,
    answers: ++opened,
    bind: () => undefined,
    close: () => void closed++,
  })
  const way = { open: async () => one(), begin: () => undefined, end: async () => undefined }
  const use = (): Promise<void> =>
    standing.use(
      { server: "s", user: "u", password: { env: "X" }, rest: [] },
      way,
      soon(),
      async () => undefined,
    )
  jest.useFakeTimers()
  try {
    for (let at = 0; at < 29; at++) {
      await use()
      jest.advanceTimersByTime(1000)
    }
    expect([opened, closed]).toEqual([1, 0])
    jest.advanceTimersByTime(1000)
    await use()
    await use()
    expect([opened, closed]).toEqual([2, 1])
  } finally {
    jest.useRealTimers()
    leave()
  }
})

describe("PostgreSQL", () => {
  test("one session serves all acts of several secrets during a run, holds no lock between them, and ends with the last", async () => {
    const { open, activity, admin } = await world()
    const [leave, leaveToo] = [activity.join(), activity.join()]
    const seen = new Set<string>()
    for (const [label, { role, old }] of [
      ["a/one", await newRole()],
      ["b/two", await newRole()],
    ] as const) {
      const driver = open(label, role)
      const next = drafted(driver, "v2")
      expect(await driver.preflight(versions(old), soon())).toEqual([
        expect.objectContaining({ code: "admin-too-powerful" }),
      ])
      const live = { ...next, ...(await driver.apply(next, versions(old, next), soon())) }
      await driver.revokeOthers?.(live, soon())
      expect([await driver.probe(live, soon()), await driver.probe(old, soon())]).toEqual([
        "accepted",
        "refused",
      ])
      for (const one of await sessionsOf(admin)) seen.add(one)
    }
    expect(new Set([...seen].map((one) => one.split(" ")[0])).size).toBe(1)
    expect([...seen]).toEqual([
      expect.stringMatching(/^\d+ mycelium\/a\/one#0a1b2c3d$/),
      expect.stringMatching(/^\d+ mycelium\/b\/two#0a1b2c3d$/),
    ])
    expect(
      await servers.postgres.sql(`select 1 from pg_locks where locktype = 'advisory'`),
    ).toEqual([])
    expect(
      await servers.postgres.sql(
        `select 1 from pg_stat_activity where usename = '${admin}' and (state <> 'idle' or ` +
          "xact_start is not null)",
      ),
    ).toEqual([])
    leave()
    expect(await sessionsOf(admin)).toHaveLength(1)
    leaveToo()
    await none(admin)
  })

  test("no session is kept outside a run, nor after a failure, nor after a deadline", async () => {
    const { open, activity, admin } = await world()
    const { role, old } = await newRole()
    const driver = open("a/one", role)
    await driver.preflight(versions(old), soon())
    await none(admin)
    const leave = activity.join()
    const refused = credential("v2", { user: "nobody-of-that-name", password: "x".repeat(24) })
    await expect(driver.apply(refused, versions(), soon())).rejects.toMatchObject({
      code: "account-missing",
    })
    await none(admin)
    await servers.postgres.session(async (client) => {
      await client.unsafe(`begin; select 1 from pg_authid where rolname = '${role}' for update`)
      await expect(
        driver.apply(drafted(driver, "v2"), versions(old), soon(300)),
      ).rejects.toMatchObject({ code: "timeout" })
      await client.unsafe("rollback")
    })
    await none(admin)
    leave()
  })

  test("a session that the server has ended meanwhile is replaced before the next act", async () => {
    const { open, activity, admin } = await world()
    const leave = activity.join()
    const { role, old } = await newRole()
    const driver = open("a/one", role)
    await driver.preflight(versions(old), soon())
    await servers.postgres.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${admin}'`,
    )
    expect(await driver.apply(drafted(driver, "v2"), versions(old), soon())).toMatchObject({
      acceptedAt: expect.any(String),
    })
    leave()
  })

  test("the credential is read once for all acts of a session; another reference is another login", async () => {
    const self = await world()
    const leave = self.activity.join()
    const { role, old } = await newRole()
    const driver = self.open("a/one", role)
    await driver.preflight(versions(old), soon())
    await driver.apply(drafted(driver, "v2"), versions(old), soon())
    expect(self.reads).toEqual(["X"])
    self.password = "not-the-password"
    await driver.apply(drafted(driver, "v2"), versions(old), soon())
    await expect(
      self.open("a/one", role, self.admin, "Y").apply(drafted(driver, "v2"), versions(old), soon()),
    ).rejects.toMatchObject({ code: "password-refused" })
    expect(self.reads).toEqual(["X", "Y"])
    leave()
  })

  test("once the admin itself has another password, no earlier session is used", async () => {
    const self = await world()
    const leave = self.activity.join()
    const { role, old } = await newRole()
    const driver = self.open("a/one", role)
    await driver.preflight(versions(old), soon())
    expect(await sessionsOf(self.admin)).toHaveLength(1)
    // The admin is a secret too, in the same run.
    const own = postgres.open(
      postgres.options.parse({
        address: `postgresql://127.0.0.1:${servers.postgres.port}/postgres`,
        role: self.admin,
        admin: { user: servers.postgres.superuser, password: { env: "X" } },
      }),
      {
        host,
        label: "a/admin",
        owner: "0a1b2c3d4e5f",
        folder: servers.postgres.folder,
        activity: self.activity,
        credential: async () => new Secret("admin", servers.postgres.password),
      },
    )
    const next = drafted(own, "v2")
    await own.apply(next, versions(), soon())
    await none(self.admin)
    await expect(driver.settle([old], soon())).rejects.toMatchObject({ code: "password-refused" })
    self.password = passwordIn(next)
    expect(await driver.settle([old], soon())).toBe(true)
    leave()
  })

  test("a session that waits keeps no process alive", async () => {
    const { role } = await newRole()
    const source = (path: string): string =>
      JSON.stringify(new URL(`../../../../src/${path}`, import.meta.url).pathname)
    const program = `
      const [{ ActivityScope }, { Secret }, { realHost }, { postgres }] = await Promise.all([import(${source("base/activity-scope.ts")}), import(${source("core/secret.ts")}), import(${source("base/system/host.ts")}), import(${source("plugins/drivers/postgres/index.ts")})])
      const [activity, password] = [new ActivityScope(), (await Bun.stdin.text()).trim()]
      activity.join()
      const options = postgres.options.parse({ address: "postgresql://127.0.0.1:${servers.postgres.port}/postgres", role: "${role}", admin: { user: "${servers.postgres.superuser}", password: { env: "X" } } })
      const driver = postgres.open(options, { host: realHost({}), label: "a/b", owner: "0a1b2c3d", folder: "/", activity, credential: async () => new Secret("admin", password) })
      console.log((await driver.preflight({ uncertain: [] }, AbortSignal.timeout(5000))).map(({ code }) => code).join(), performance.now())
      process.on("exit", () => console.log(performance.now()))`
    const child = Bun.spawn([process.execPath, "-e", program], {
      stdin: Buffer.from(servers.postgres.password),
      stdout: "pipe",
      stderr: "pipe",
    })
    const [said, , code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    const [codes, done, ended] = said.trim().split(/\s+/)
    expect({ code, codes }).toEqual({ code: 0, codes: "admin-too-powerful" })
    expect(Number(ended) - Number(done)).toBeLessThan(2000)
  })
})
