import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { type Peer, credential, open, peer, soon, versions } from "./harness.ts"
import { connect as connectTcp } from "node:net"
import { until } from "../../../support/until.ts"

const shop = credential("v1", { user: "shop", password: "old-password" })

describe.each(["system", "newer"] as const)("preflight(), %s server", (which) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({
      which,
      hba: "host all trusted 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256",
    })
    await server.sql(`
      create role shop login password 'old-password'; create role boss login superuser password 'old-password';
      create role nologin password 'x'; create role expired login password 'x' valid until '2001-01-01'; create role noroom login password 'x' connection limit 0;
      create role weak login password 'weak'; create role maker login createrole password 'maker'; create role trusted login createrole password 'x';
      create role copier login replication password 'x'`)
    await server.sql(`grant shop to maker with admin option`)
    await server.sql(`set password_encryption = 'md5'; create role md5user login password 'x'`)
  }, 30_000)
  afterAll(() => server[Symbol.asyncDispose]())

  const codes = async (
    role: string,
    written = {},
    adminPassword = server.password,
  ): Promise<readonly string[]> => {
    const findings = await open(server, role, written, adminPassword).preflight(versions(), soon())
    return findings.map(({ code, severity }) => `${severity} ${code}`)
  }
  const as = (user: string): Record<string, unknown> => ({
    admin: { user, password: { env: "ADMIN" }, database: "postgres" },
  })

  test("finds nothing but that the admin is a superuser where all is well", async () => {
    expect(await codes("shop")).toEqual(["info admin-too-powerful"])
    expect(await codes("boss")).toEqual(["info admin-too-powerful"])
  })

  test.each([
    ["missing", "account-missing", false],
    ["nologin", "account-locked", true],
    ["expired", "password-expired", true],
    ["noroom", "role-no-connections", true],
    ["md5user", "md5-role", false],
  ])("role %s: %s, with the SQL that corrects it", async (role, code, yields) => {
    const findings = await open(server, role).preflight(versions(), soon())
    expect(findings).toContainEqual({
      code,
      severity: "error",
      message: expect.stringContaining(role),
      remedy: expect.any(String),
      ...(yields ? { yields } : {}),
      ...(yields && role !== "noroom" ? { silences: true } : {}),
    })
  })

  test("an admin needs CREATEROLE, and since 16 ADMIN OPTION on the role; and a superuser's password is a superuser's", async () => {
    expect(await codes("shop", as("maker"), "maker")).not.toContain("error not-permitted")
    expect(await codes("shop", as("weak"), "weak")).toContain("error not-permitted")
    expect(await codes("boss", as("maker"), "maker")).toContain("error not-permitted")
    expect(await codes("copier", as("maker"), "maker")).toContain("error not-permitted")
    const expected = which === "newer" ? ["error not-permitted"] : []
    expect(
      (await codes("nologin", as("maker"), "maker")).filter((code) => code.includes("permitted")),
    ).toEqual(expected)
  })

  test("the SQL that it names is enough", async () => {
    const findings = await open(server, "shop", as("weak"), "weak").preflight(versions(), soon())
    const remedy = findings.find(({ code }) => code === "not-permitted")?.remedy ?? ""
    await server.sql(`${remedy}; grant pg_signal_backend, pg_read_all_stats to weak`)
    expect(await codes("shop", as("weak"), "weak")).toEqual([])
  })

  test("without an admin the role is its own, and needs a password that works", async () => {
    const driver = open(server, "shop", { admin: undefined })
    expect(await driver.preflight(versions(shop), soon())).toEqual([])
    expect(
      await driver.preflight(versions(credential("v1", { password: "wrong" })), soon()),
    ).toMatchObject([{ code: "password-refused", severity: "error" }])
    expect(await driver.preflight(versions(), soon())).toMatchObject([
      { code: "login-missing", severity: "error" },
    ])
    expect(
      await driver.preflight(versions(credential("v1", { user: "other", password: "x" })), soon()),
    ).toMatchObject([{ code: "user-differs" }])
  })

  test("a wrong admin password is a finding; no answer is an error", async () => {
    expect(await codes("shop", {}, "wrong")).toEqual(["error password-refused"])
    await using gone = await peer(() => undefined)
    await gone[Symbol.asyncDispose]()
    const driver = open(server, "shop", { address: `postgresql://127.0.0.1:${gone.port}` })
    await expect(driver.preflight(versions(), soon())).rejects.toMatchObject({
      code: "unreachable",
      remedy: "retry",
    })
  })

  test("a login that asks for no password is said, and is no way to rotate one's own", async () => {
    const own = open(server, "trusted", { admin: undefined })
    expect(
      await own.preflight(versions(credential("v1", { password: "x" })), soon()),
    ).toMatchObject([{ code: "password-not-asked", severity: "error" }])
    expect(await codes("shop", as("trusted"))).toContain("info admin-not-asked")
  })

  test("a server that is read-only as a whole is found; a role or a database does not make it so", async () => {
    const reload = "select pg_reload_conf()"
    await server.sql("alter role maker set default_transaction_read_only = on")
    expect(await codes("shop", as("maker"), "maker")).not.toContain("error read-only-server")
    await server.sql("alter role maker reset default_transaction_read_only")
    await server.sql("alter system set default_transaction_read_only = on")
    await server.sql(reload)
    const found = async (): Promise<boolean> =>
      (await codes("shop", as("maker"), "maker")).includes("error read-only-server")
    try {
      await until("it is read-only", found)
    } finally {
      await server.session(async (client) => {
        await client.unsafe("set default_transaction_read_only = off")
        await client.unsafe("alter system reset default_transaction_read_only")
        await client.unsafe(reload)
      })
    }
    await until("it takes changes", async () => !(await found()))
  })

  test("changes nothing", async () => {
    const all = async (): Promise<unknown> =>
      server.sql("select oid, * from pg_authid order by oid")
    const before = await all()
    await codes("shop")
    expect(await all()).toEqual(before)
  })

  test("a pooler is no server: the process that answers is not the one that greeted", async () => {
    await using pooler = await otherGreeting(server.port)
    const driver = open(server, "shop", {
      address: `postgresql://127.0.0.1:${pooler.port}/postgres`,
    })
    expect(await driver.preflight(versions(), soon())).toMatchObject([
      { code: "pooler-between", severity: "error" },
    ])
  })
})

/** Passes bytes on, but gives a process number of its own in BackendKeyData, as PgBouncer does. */
function otherGreeting(port: number): Promise<Peer> {
  return peer((socket, first) => {
    const behind = connectTcp({ host: "127.0.0.1", port })
    behind.write(first)
    socket.on("data", (chunk) => void behind.write(chunk)).on("close", () => behind.destroy())
    behind.on("close", () => socket.destroy())
    behind.on("data", (chunk: Buffer) => {
      const at = chunk.indexOf(Buffer.from("K\0\0\0\x0c"))
      if (at >= 0) chunk.writeInt32BE(1, at + 5)
      socket.write(chunk)
    })
  })
}
