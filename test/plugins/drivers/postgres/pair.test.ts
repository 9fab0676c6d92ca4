import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { until } from "../../../support/until.ts"
import { credential, passwordIn, program, soon, text, versions } from "./harness.ts"
import { errorsOf, newPair, turn } from "./pair-harness.ts"

describe.each(["system", "newer"] as const)("a pair, %s server", (which) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ which, config: { log_statement: "all" } })
  }, 30_000)
  afterAll(() => server[Symbol.asyncDispose]())

  test("lives: each turn goes to the other role, both are accepted until the old one is taken away, four times", async () => {
    const pair = await newPair(server)
    const driver = pair.open()
    expect(driver.overlap).toBe("both")
    let current = await turn(driver, "v1")
    expect(current.fields["user"]).toBe(pair.blue)
    const values = [passwordIn(current)]
    for (const id of ["v2", "v3", "v4", "v5"]) {
      expect(await driver.preflight(versions(current), soon())).toEqual([
        expect.objectContaining({ code: "sessions-out-of-reach", severity: "info" }),
      ])
      const next = { version: id, fields: driver.generate(versions(current), text) }
      const whose = id === "v2" || id === "v4" ? pair.green : pair.blue
      expect(next.fields["user"]).toBe(whose)
      expect(driver.describe(versions(current))).toBe(`ALTER ROLE ${whose} (verifier)`)
      expect(driver.describe(versions(current, next))).toBe(`ALTER ROLE ${whose} (verifier)`)
      expect(await driver.probe(next, soon())).toBe("refused")
      const { acceptedAt = "" } = await driver.apply(next, versions(current, next), soon())
      const verifier = await pair.stored(whose)
      await driver.apply(next, versions(current, next), soon())
      expect(await pair.stored(whose)).toBe(verifier)
      expect([await driver.probe(next, soon()), await driver.probe(current, soon())]).toEqual([
        "accepted",
        "accepted",
      ])
      const live = { ...next, acceptedAt }
      expect(await driver.revoke(current, live, { endSessions: false }, soon())).toEqual({
        sessionsEnded: 0,
      })
      expect(await driver.revoke(current, live, { endSessions: false }, soon())).toEqual({
        sessionsEnded: 0,
      })
      expect([await driver.probe(live, soon()), await driver.probe(current, soon())]).toEqual([
        "accepted",
        "refused",
      ])
      expect(await pair.stored(String(current.fields["user"]))).toBeNull()
      current = live
      values.push(passwordIn(live))
    }
    for (const value of values) expect(server.logs()).not.toContain(value)
  }, 20_000)

  test("goes back: what was applied is taken away, and the current role has not been touched", async () => {
    const pair = await newPair(server)
    const driver = pair.open()
    const current = await turn(driver, "v1")
    const before = await pair.stored(pair.blue)
    const pending = await turn(driver, "v2", current)
    await driver.apply(current, versions(current, pending), soon())
    await driver.revoke(pending, current, { endSessions: true }, soon())
    expect([await driver.probe(current, soon()), await driver.probe(pending, soon())]).toEqual([
      "accepted",
      "refused",
    ])
    expect(await pair.stored(pair.blue)).toBe(before)
  })

  test("whatever either role makes belongs to the owner, and the other can change it", async () => {
    const pair = await newPair(server)
    const driver = pair.open()
    const blue = await turn(driver, "v1")
    const green = await turn(driver, "v2", blue)
    const table = { blue: `${pair.name}_of_blue`, green: `${pair.name}_of_green` }
    await using first = await program(server, pair.blue, passwordIn(blue))
    await using second = await program(server, pair.green, passwordIn(green))
    await first.unsafe(`create table ${table.blue} (id int)`)
    await second.unsafe(`create table ${table.green} (id int)`)
    await first.unsafe(
      `alter table ${table.green} add column name text; drop table ${table.green}; ` +
        `create table ${table.green} (id int)`,
    )
    await second.unsafe(`alter table ${table.blue} add column name text`)
    const owners = await server.sql(
      `select tablename, tableowner from pg_tables where tablename like '${pair.name}_of_%' order by 1`,
    )
    expect(owners).toEqual(
      Object.values(table).map((tablename) => ({ tablename, tableowner: pair.owner })),
    )
    expect(
      (await errorsOf(driver, versions(green))).filter(
        ({ code }) => code.startsWith("pair-owns") || code.startsWith("pair-granted"),
      ),
    ).toEqual([])
  })

  test("a login that does not become the owner proves nothing, whatever its password", async () => {
    const pair = await newPair(server)
    const driver = pair.open()
    const current = await turn(driver, "v1")
    await server.sql(`alter role ${pair.blue} reset role`)
    await expect(driver.probe(current, soon())).rejects.toMatchObject({
      code: "pair-identity",
      hint: expect.stringContaining(`SET role = "${pair.owner}"`),
    })
    expect(
      await driver.probe(
        { ...current, fields: { ...current.fields, password: text("wrong") } },
        soon(),
      ),
    ).toBe("refused")
    await server.sql(`alter role ${pair.blue} set role = ${pair.owner}`)
    expect(await driver.probe(current, soon())).toBe("accepted")
    await server.sql(`revoke ${pair.owner} from ${pair.blue}`)
    await expect(driver.probe(current, soon())).rejects.toMatchObject({ code: "pair-identity" })
  })

  test("a database that does not let the pair in hides no password: another one shows whose rights the session has", async () => {
    const pair = await newPair(server)
    await server.sql(`create database ${pair.name}`)
    await server.sql(`revoke connect on database ${pair.name} from public`)
    const address = `postgresql://127.0.0.1:${server.port}/${pair.name}`
    const driver = pair.open({ address })
    const current = await turn(driver, "v1")
    expect(await driver.probe(current, soon())).toBe("accepted")
    expect(await errorsOf(driver, versions(current))).toMatchObject([
      { code: "pair-no-connect", yields: true },
      { code: "pair-no-connect", yields: true },
    ])
    await server.sql(`grant connect on database ${pair.name} to ${pair.owner}`)
    expect(await driver.probe(current, soon())).toBe("accepted")
    expect(await errorsOf(driver, versions(current))).toEqual([])
  })

  test("with a role that is not of the pair, only its password counts", async () => {
    const pair = await newPair(server)
    await server.sql(`create role ${pair.name} login password 'old-password'`)
    const old = credential("v0", { user: pair.name, password: "old-password" })
    expect(await pair.open().probe(old, soon())).toBe("accepted")
    expect(await errorsOf(pair.open(), versions(old))).toMatchObject([
      { code: "user-differs", remedy: expect.stringContaining("one of the two roles") },
    ])
  })

  test("an adopted value of either role is taken over", async () => {
    const pair = await newPair(server)
    await server.sql(`alter role ${pair.green} password 'old-password'`)
    const old = credential("v1", { user: pair.green, password: "old-password" })
    const driver = pair.open()
    expect(await driver.probe(old, soon())).toBe("accepted")
    expect(await errorsOf(driver, versions(old))).toEqual([])
    const next = await turn(driver, "v2", old)
    expect(next.fields["user"]).toBe(pair.blue)
    await driver.revoke(old, next, { endSessions: false }, soon())
    expect([await driver.probe(old, soon()), await driver.probe(next, soon())]).toEqual([
      "refused",
      "accepted",
    ])
  })

  test("a second Mycelium is kept off the whole pair", async () => {
    const pair = await newPair(server)
    const driver = pair.open()
    const blue = await turn(driver, "v1")
    const green = await turn(driver, "v2", blue)
    await server.session(async (client) => {
      // A row lock keeps the first one in its statement, with the advisory locks in its hands.
      await client.unsafe(
        `begin; select 1 from pg_authid where rolname = '${pair.green}' for update`,
      )
      const waiting = driver.apply(green, versions(blue, green), soon())
      await until(
        "the first one waits",
        async () =>
          (
            await server.sql(
              `select 1 from pg_stat_activity where usename = '${pair.rotator}' and wait_event_type = 'Lock'`,
            )
          ).length === 1,
      )
      await expect(
        driver.revoke(blue, green, { endSessions: false }, soon()),
      ).rejects.toMatchObject({ code: "locked-at-server" })
      await client.unsafe("rollback")
      await waiting
    })
    expect(await driver.probe(blue, soon())).toBe("accepted")
  })
})
