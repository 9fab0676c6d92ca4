import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Credential } from "../../../../src/core/ports.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { until } from "../../../support/until.ts"
import {
  credential,
  drafted,
  open,
  ourName,
  passwordIn,
  program,
  soon,
  versions,
} from "./harness.ts"

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

let roles = 0
async function newRole(): Promise<{ readonly role: string; readonly old: Credential }> {
  const role = `shop${++roles}`
  await server.sql(`create role ${role} login password 'old-password'`)
  return { role, old: credential("v1", { user: role, password: "old-password" }) }
}
const ours = async (where = "true"): Promise<number> =>
  (
    await server.sql(
      `select 1 from pg_stat_activity where application_name = '${ourName}' and ${where}`,
    )
  ).length

describe("settle()", () => {
  test.each([
    ["the admin", {}],
    ["the role itself", { admin: undefined }],
  ])(
    "ends an ALTER ROLE whose client is gone and which waits for a lock, as %s: it never lands",
    async (_, written) => {
      const { role, old } = await newRole()
      const driver = open(server, role, written)
      const next = drafted(driver, "v2")
      await server.session(async (client) => {
        await client.unsafe(`begin; select 1 from pg_authid where rolname = '${role}' for update`)
        const killed = new AbortController()
        const applied = driver.apply(next, versions(old, next), killed.signal).then(
          () => "landed",
          () => "killed",
        )
        await until(
          "the statement waits",
          async () => (await ours("wait_event_type = 'Lock'")) === 1,
        )
        killed.abort()
        expect(await applied).toBe("killed")
        // The client is gone, the statement is not.
        expect(await ours("wait_event_type = 'Lock'")).toBe(1)
        expect(await driver.settle([old, next], soon())).toBe(true)
        expect(await ours()).toBe(0)
        await client.unsafe("rollback")
      })
      expect([await driver.probe(old, soon()), await driver.probe(next, soon())]).toEqual([
        "accepted",
        "refused",
      ])
    },
  )

  test("leaves everybody else alone, another state's sessions too", async () => {
    const { role, old } = await newRole()
    await using client = await program(server, role, "old-password")
    await client.unsafe("set application_name = 'mycelium/production/postgres#ffffffff'")
    expect(await open(server, role).settle([old], soon())).toBe(true)
    expect((await client.unsafe("select 1 as one"))[0]).toEqual({ one: 1 })
  })

  test("without an admin it is false if no known login is accepted, and throws if no server answers", async () => {
    const { role, old } = await newRole()
    const driver = open(server, role, { admin: undefined })
    expect(
      await driver.settle([credential("v9", { user: role, password: "no" }), old], soon()),
    ).toBe(true)
    expect(await driver.settle([credential("v9", { user: role, password: "no" })], soon())).toBe(
      false,
    )
    expect(await driver.settle([], soon())).toBe(false)
    await using other = await startPostgres()
    other.signal("SIGSTOP")
    await expect(
      open(other, role, { admin: undefined }).settle([old], soon(300)),
    ).rejects.toMatchObject({ code: "timeout" })
  })

  test("a wrong admin password is an error, not a false", async () => {
    const { role, old } = await newRole()
    await expect(open(server, role, {}, "wrong").settle([old], soon())).rejects.toMatchObject({
      code: "password-refused",
    })
  })
})

describe("revoke()", () => {
  const ask = { endSessions: true }

  test("ends the sessions that are older than the new value, and none that are younger; twice is the same", async () => {
    const { role, old } = await newRole()
    const driver = open(server, role)
    await using older = await program(server, role, "old-password")
    await using another = await program(server, role, "old-password")
    const next = drafted(driver, "v2")
    const live = { ...next, ...(await driver.apply(next, versions(old, next), soon())) }
    await using younger = await program(server, role, passwordIn(next))
    expect(await driver.revoke(old, live, { endSessions: false }, soon())).toEqual({
      sessionsEnded: 0,
    })
    expect(await driver.revoke(old, live, ask, soon())).toMatchObject({ sessionsEnded: 2 })
    expect(await driver.revoke(old, live, ask, soon())).toMatchObject({ sessionsEnded: 0 })
    expect(
      (
        await younger.unsafe(
          "select count(*)::int as count from pg_stat_activity where usename = current_user",
        )
      )[0],
    ).toEqual({ count: 1 })
    void [older, another]
  })

  test("without an admin the role ends its own", async () => {
    const { role, old } = await newRole()
    const driver = open(server, role, { admin: undefined })
    await using older = await program(server, role, "old-password")
    const next = drafted(driver, "v2")
    const live = { ...next, ...(await driver.apply(next, versions(old, next), soon())) }
    expect(await driver.revoke(old, live, ask, soon())).toMatchObject({ sessionsEnded: 1 })
    void older
  })

  test("says so where the age of a session, or of the value, cannot be known", async () => {
    const { role, old } = await newRole()
    await server.sql("create role blind login createrole password 'blind-password'")
    await using client = await program(server, role, "old-password")
    const driver = open(
      server,
      role,
      { admin: { user: "blind", password: { env: "ADMIN" }, database: "postgres" } },
      "blind-password",
    )
    const live = credential("v2", { user: role, password: "x" }, "2099-01-01T00:00:00Z")
    await expect(driver.revoke(old, live, ask, soon())).rejects.toMatchObject({
      code: "sessions-hidden",
    })
    await expect(driver.revoke(old, old, ask, soon())).rejects.toMatchObject({
      code: "sessions-undated",
    })
    expect((await client.unsafe("select 1 as one"))[0]).toEqual({ one: 1 })
  })
})
