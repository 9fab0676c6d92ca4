import { afterAll, beforeAll, describe, expect, test } from "bun:test"
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

const odd = `o"d'd \\ rôle; drop role x --`
let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres({ config: { log_statement: "all" } })
})
afterAll(() => server[Symbol.asyncDispose]())

let roles = 0
async function newRole(name = `shop${++roles}`): Promise<string> {
  await server.sql(`create role "${name.replaceAll('"', '""')}" login password 'old-password'`)
  return name
}
const stored = async (role: string): Promise<unknown> =>
  (await server.sql(`select rolpassword as it from pg_authid where rolname = $$${role}$$`))[0]?.[
    "it"
  ]

/** Of the server as a whole: what is set for a role is overruled. */
async function readOnly(statement: string, becomes: "on" | "off"): Promise<void> {
  await server.session(async (client) => {
    await client.unsafe("set default_transaction_read_only = off")
    await client.unsafe(statement)
    await client.unsafe("select pg_reload_conf()")
  })
  await until(`read-only is ${becomes}`, async () => {
    const [now] = await server.sql("show default_transaction_read_only")
    return now?.["default_transaction_read_only"] === becomes
  })
}

describe("apply()", () => {
  test("ends the old password and makes the new one work, also twice, with the same verifier", async () => {
    const role = await newRole(odd)
    const driver = open(server, role)
    const [old, next] = [
      credential("v1", { user: role, password: "old-password" }),
      drafted(driver, "v2"),
    ]
    const before = await server.sql("select clock_timestamp() as at")
    const { acceptedAt = "" } = await driver.apply(next, versions(old, next), soon())
    expect(acceptedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    expect(Date.parse(acceptedAt)).toBeGreaterThanOrEqual(
      new Date(String(before[0]?.["at"])).getTime() - 1000,
    )
    expect(await driver.probe(old, soon())).toBe("refused")
    expect(await driver.probe(next, soon())).toBe("accepted")
    const first = await stored(role)
    expect(first).toStartWith("SCRAM-SHA-256$4096:")
    await driver.apply(next, versions(old, next), soon())
    expect(await stored(role)).toBe(first)
    expect(server.logs()).not.toContain(passwordIn(next))
  })

  test("goes back to an adopted password, whose salt is fixed", async () => {
    const role = await newRole()
    const driver = open(server, role)
    const old = credential("v1", { password: "old-password" })
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(old, next), soon())
    await driver.apply(old, versions(old, next), soon())
    const first = await stored(role)
    await driver.apply(old, versions(old, next), soon())
    expect(await stored(role)).toBe(first)
    expect([await driver.probe(old, soon()), await driver.probe(next, soon())]).toEqual([
      "accepted",
      "refused",
    ])
  })

  test("without an admin the role changes its own, forward, again, and back", async () => {
    const role = await newRole()
    const driver = open(server, role, { admin: undefined })
    const [old, next] = [
      credential("v1", { user: role, password: "old-password" }),
      drafted(driver, "v2"),
    ]
    await driver.apply(next, versions(old, next), soon())
    expect(await driver.probe(next, soon())).toBe("accepted")
    await driver.apply(next, versions(old, next), soon())
    await driver.apply(old, versions(old, next), soon())
    expect([await driver.probe(old, soon()), await driver.probe(next, soon())]).toEqual([
      "accepted",
      "refused",
    ])
    const lost = credential("v3", { user: role, password: "never-was" })
    await expect(driver.apply(next, versions(lost, next), soon())).rejects.toMatchObject({
      code: "password-refused",
    })
    await expect(driver.apply(next, versions(), soon())).rejects.toMatchObject({
      code: "password-refused",
    })
    await expect(
      driver.apply(credential("v4", { verifier: "x" }), versions(), soon()),
    ).rejects.toMatchObject({ code: "login-missing" })
  })

  test("sends the password itself only where the config says so", async () => {
    const role = await newRole()
    await server.sql("alter role postgres set password_encryption = 'md5'")
    const driver = open(server, role, { send: "plaintext" })
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(undefined, next), soon())
    await server.sql("alter role postgres reset password_encryption")
    expect(await stored(role)).toStartWith("SCRAM-SHA-256$")
    expect(await driver.probe(next, soon())).toBe("accepted")
    expect(driver.describe(versions())).toBe(`ALTER ROLE ${role} (plaintext)`)
    expect(open(server, role).describe(versions())).toBe(`ALTER ROLE ${role} (verifier)`)
  })

  test("is not committed lazily where the admin's sessions are", async () => {
    const role = await newRole()
    await server.sql("alter role postgres set synchronous_commit = 'off'")
    const driver = open(server, role)
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(undefined, next), soon())
    await server.sql("alter role postgres reset synchronous_commit")
    expect(server.logs()).toContain("set_config('synchronous_commit'")
  })

  test("another session that holds the advisory lock is named, and nothing changes", async () => {
    const role = await newRole()
    const driver = open(server, role)
    const next = drafted(driver, "v2")
    const first = await stored(role)
    await server.session(async (client) => {
      // A row lock keeps the first apply in its statement, with the advisory lock in its hands.
      await client.unsafe(`begin; select 1 from pg_authid where rolname = '${role}' for update`)
      const waiting = driver.apply(next, versions(undefined, next), soon())
      await until(
        "the first apply waits",
        async () =>
          (
            await server.sql(
              `select 1 from pg_stat_activity where application_name = '${ourName}' and ` +
                "wait_event_type = 'Lock'",
            )
          ).length === 1,
      )
      await expect(driver.apply(next, versions(undefined, next), soon())).rejects.toMatchObject({
        code: "locked-at-server",
        remedy: "retry",
        message: expect.stringContaining(ourName),
      })
      expect(await stored(role)).toBe(first)
      await client.unsafe("rollback")
      await waiting
    })
    expect(await driver.probe(next, soon())).toBe("accepted")
  })

  test("gives up before its deadline where a lock does not go away", async () => {
    const role = await newRole()
    const driver = open(server, role)
    const next = drafted(driver, "v2")
    await server.session(async (client) => {
      await client.unsafe(`begin; select 1 from pg_authid where rolname = '${role}' for update`)
      await expect(
        driver.apply(next, versions(undefined, next), soon(15_000)),
      ).rejects.toMatchObject({ code: "lock-timeout", remedy: "retry" })
      await client.unsafe("rollback")
    })
    expect(await driver.probe(next, soon())).toBe("refused")
  }, 20_000)

  test("what the server's rules or rights forbid is refused-by-policy, once and for all", async () => {
    const role = await newRole()
    await server.sql("create role weak login password 'weak-password'")
    const driver = open(
      server,
      role,
      { admin: { user: "weak", password: { env: "ADMIN" } } },
      "weak-password",
    )
    const next = drafted(driver, "v2")
    const error = await driver.apply(next, versions(undefined, next), soon()).then(
      () => undefined,
      (fault: unknown) => fault,
    )
    expect(error).toMatchObject({
      code: "refused-by-policy",
      remedy: "give-up",
      hint: expect.stringContaining("send: plaintext"),
    })
    expect(JSON.stringify([String(error), error])).not.toContain(passwordIn(next))
  })

  test("a rule of the server's own, passwordcheck, is refused-by-policy", async () => {
    await using strict = await startPostgres({
      config: { shared_preload_libraries: "passwordcheck" },
    })
    await strict.sql("create role shop login")
    const driver = open(strict, "shop", { send: "plaintext" })
    const [weak, next] = [credential("v1", { password: "onlyletters" }), drafted(driver, "v2")]
    const error = await driver.apply(weak, versions(), soon()).then(
      () => undefined,
      (fault: unknown) => fault,
    )
    expect(error).toMatchObject({
      code: "refused-by-policy",
      remedy: "give-up",
      message: expect.stringContaining("22023"),
    })
    expect(JSON.stringify([String(error), error])).not.toContain("onlyletters")
    await driver.apply(next, versions(), soon())
    expect(await driver.probe(next, soon())).toBe("accepted")
  })

  test("a role that is gone, a server that takes no changes", async () => {
    const driver = open(server, "never-was")
    const next = drafted(driver, "v2")
    await expect(driver.apply(next, versions(undefined, next), soon())).rejects.toMatchObject({
      code: "account-missing",
      remedy: "ask-operator",
    })
    const role = await newRole()
    await readOnly("alter system set default_transaction_read_only = on", "on")
    try {
      const other = open(server, role)
      const value = drafted(other, "v2")
      await expect(other.apply(value, versions(undefined, value), soon())).rejects.toMatchObject({
        code: "read-only-server",
        remedy: "retry",
      })
    } finally {
      await readOnly("alter system reset default_transaction_read_only", "off")
    }
  })

  test("open sessions of the role live on", async () => {
    const role = await newRole()
    await using client = await program(server, role, "old-password")
    const driver = open(server, role)
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(undefined, next), soon())
    expect((await client.unsafe("select 1 as one"))[0]).toEqual({ one: 1 })
  })
})
