import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { credential, drafted, open, soon, versions } from "./harness.ts"

/**
 * What a role, or the owner of a database, may set for every login: none of it keeps a containment
 * from giving the role a new password and proving it.
 */

const ofBoth = [
  "default_transaction_read_only = on",
  "default_transaction_isolation = serializable",
  "statement_timeout = '1ms'",
  "lock_timeout = '1ms'",
  "idle_in_transaction_session_timeout = '1ms'",
  "idle_session_timeout = '1ms'",
  "local_preload_libraries = not_there",
  "transform_null_equals = on",
]
const since17 = ["transaction_timeout = '1ms'"]

describe.each(["system", "newer"] as const)("%s", (which) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ which })
  }, 30_000)
  afterAll(() => server[Symbol.asyncDispose]())

  let count = 0
  async function containing(
    setting: (role: string) => string,
    { admin }: { readonly admin: boolean },
  ): Promise<void> {
    const [role, password] = [`shop${++count}`, `Old-${randomBytes(9).toString("hex")}`]
    const [rotator, adminPassword] = [`rotator${count}`, `Adm-${randomBytes(9).toString("hex")}`]
    await server.sql(`create role ${role} login password '${password}'`)
    await server.sql(
      `create role ${rotator} login createrole password '${adminPassword}'; ` +
        `grant pg_read_all_stats, pg_signal_backend to ${rotator}; grant ${role} to ${rotator} ` +
        "with admin option",
    )
    await server.sql(`create database ${role} owner ${role}`)
    await server.sql(setting(role))
    const address = `postgresql://127.0.0.1:${server.port}/${role}`
    const driver = open(
      server,
      role,
      { address, admin: admin ? { user: rotator, password: { env: "ADMIN" } } : undefined },
      adminPassword,
    )
    const old = credential("v1", { user: role, password })
    const found = await driver.preflight(versions(old), soon(15_000))
    expect(found.filter(({ severity, yields }) => severity === "error" && yields !== true)).toEqual(
      [],
    )
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(old, next), soon(15_000), { contain: true })
    const answers = [await driver.probe(next, soon()), await driver.probe(old, soon())]
    expect(answers).toEqual(["accepted", "refused"])
    await server.sql(`drop database if exists ${role} with (force)`).catch(() => undefined)
  }

  const settings = which === "newer" ? [...ofBoth, ...since17] : ofBoth

  test.each(settings)("of the database, against an admin: %s", async (setting) => {
    await containing((role) => `alter database ${role} set ${setting}`, { admin: true })
  })

  test.each(settings)("of the role, without an admin: %s", async (setting) => {
    await containing((role) => `alter role ${role} set ${setting}`, { admin: false })
  })

  test.each([
    [
      "connect on it is revoked",
      (role: string) => `revoke connect on database ${role} from public`,
    ],
    ["it takes no connection", (role: string) => `alter database ${role} connection limit 0`],
    ["it is gone", (role: string) => `drop database ${role}`],
  ])("the database is closed: %s", async (_, closing) => {
    await containing(closing, { admin: true })
    await containing(closing, { admin: false })
  })

  test.each(["connection limit 0", "nologin", "valid until '2020-01-01'"])(
    "the role is shut: %s",
    async (clause) => {
      await containing((role) => `alter role ${role} ${clause}`, { admin: true })
    },
  )

  test("the database makes a superuser another role at login", async () => {
    const [role, password] = ["becomes", `Old-${randomBytes(9).toString("hex")}`]
    await server.sql(`create role ${role} login password '${password}'`)
    await server.sql(`create database ${role} owner ${role}`)
    await server.sql(`alter database ${role} set role = ${role}`)
    const driver = open(server, role, {
      address: `postgresql://127.0.0.1:${server.port}/${role}`,
      admin: { user: server.superuser, password: { env: "ADMIN" } },
    })
    const old = credential("v1", { user: role, password })
    const found = await driver.preflight(versions(old), soon())
    expect(found.filter(({ severity }) => severity === "error")).toEqual([])
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(old, next), soon())
    expect(await driver.probe(next, soon())).toBe("accepted")
  })
})
