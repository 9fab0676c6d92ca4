import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Finding } from "../../../../src/core/ports.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { credential, passwordIn, program, soon, versions } from "./harness.ts"
import { errorsOf, newPair, type Pair, turn } from "./pair-harness.ts"

/** SQL that breaks a pair as init makes it, and the code that says so. */
type Case = {
  readonly code: string
  readonly broken: (pair: Pair) => string
  readonly only?: "system" | "newer"
}

const cases: Readonly<Record<string, Case>> = {
  "a role without LOGIN": {
    code: "account-locked",
    broken: (p) => `alter role ${p.green} nologin; alter role ${p.blue} nologin`,
  },
  "a role that has expired": {
    code: "password-expired",
    broken: (p) =>
      `alter role ${p.green} valid until '2001-01-01'; alter role ${p.blue} valid until '2001-01-01'`,
  },
  "a connection limit of 0": {
    code: "role-no-connections",
    broken: (p) =>
      `alter role ${p.green} connection limit 0; alter role ${p.blue} connection limit 0`,
  },
  "an owner that may log in": {
    code: "owner-can-login",
    broken: (p) => `alter role ${p.owner} login`,
  },
  "a role that is no member": {
    code: "pair-no-member",
    broken: (p) => `revoke ${p.owner} from ${p.green}`,
  },
  "SET FALSE": {
    code: "pair-no-set",
    only: "newer",
    broken: (p) => `grant ${p.owner} to ${p.green} with set false`,
  },
  "INHERIT FALSE": {
    code: "pair-no-inherit",
    only: "newer",
    broken: (p) => `grant ${p.owner} to ${p.green} with inherit false`,
  },
  NOINHERIT: {
    code: "pair-no-inherit",
    only: "system",
    broken: (p) => `alter role ${p.green} noinherit; alter role ${p.blue} noinherit`,
  },
  "no role setting": {
    code: "pair-role-setting",
    broken: (p) => `alter role ${p.green} reset role`,
  },
  "another role setting": {
    code: "pair-role-setting",
    broken: (p) => `alter role ${p.green} set role = ${p.rotator}`,
  },
  "another role setting in this database": {
    code: "pair-role-setting",
    broken: (p) => `alter role ${p.green} in database postgres set role = ${p.green}`,
  },
  "a role setting in another database only": {
    code: "pair-role-setting",
    broken: (p) =>
      `alter role ${p.green} reset role; alter role ${p.green} in database template1 set role = ${p.owner}`,
  },
  "a setting that one lacks": {
    code: "pair-settings-differ",
    broken: (p) => `alter role ${p.blue} set work_mem = '5MB'`,
  },
  "a setting that one has besides": {
    code: "pair-settings-differ",
    broken: (p) => `alter role ${p.green} in database postgres set statement_timeout = '1s'`,
  },
  "settings with other values": {
    code: "pair-settings-differ",
    broken: (p) =>
      `alter role ${p.blue} set search_path = "$user", 'My Schema', public; ` +
      `alter role ${p.green} set search_path = public`,
  },
  "a setting that needs quotes": {
    code: "pair-settings-differ",
    broken: (p) =>
      `alter role ${p.blue} set datestyle = 'ISO, DMY'; ` +
      `alter role ${p.blue} set application_name = 'it''s \\ "it"'`,
  },
  "other attributes": {
    code: "pair-attributes-differ",
    broken: (p) => `alter role ${p.blue} createdb`,
  },
  "another connection limit": {
    code: "pair-attributes-differ",
    broken: (p) => `alter role ${p.green} connection limit 5`,
  },
  "another VALID UNTIL": {
    code: "pair-attributes-differ",
    broken: (p) => `alter role ${p.blue} valid until '2999-01-02 03:04:05.678+00'`,
  },
  "a table of its own": {
    code: "pair-owns",
    broken: (p) => `create table ${p.name}_t (); alter table ${p.name}_t owner to ${p.green}`,
  },
  "a database of its own": {
    code: "pair-owns",
    broken: (p) => `create database ${p.name} owner ${p.green}`,
  },
  "rights on a table of its own": {
    code: "pair-granted",
    broken: (p) => `create table ${p.name}_t (); grant select on ${p.name}_t to ${p.blue}`,
  },
  "rights on the whole server": {
    code: "pair-granted",
    broken: (p) => `grant connect on database template1 to ${p.green}`,
  },
  "default privileges of its own": {
    code: "pair-owns",
    broken: (p) =>
      `alter default privileges for role ${p.blue} grant select on tables to ${p.rotator}`,
  },
  "a policy that names it": {
    code: "pair-granted",
    broken: (p) => `create table ${p.name}_t (); create policy p on ${p.name}_t to ${p.blue}`,
  },
  "a membership of its own": {
    code: "pair-granted",
    broken: (p) => `create role ${p.name}_readers; grant ${p.name}_readers to ${p.blue}`,
  },
  "an admin without rights": {
    code: "not-permitted",
    broken: (p) => `alter role ${p.rotator} nocreaterole`,
  },
  "an admin without ADMIN OPTION": {
    code: "not-permitted",
    only: "newer",
    broken: (p) => `revoke admin option for ${p.green} from ${p.rotator}`,
  },
  "an admin that may not see ages": {
    code: "sessions-hidden",
    broken: (p) => `revoke pg_read_all_stats from ${p.rotator}`,
  },
}

describe.each(["system", "newer"] as const)("preflight() of a pair, %s server", (which) => {
  let server: PostgresServer
  beforeAll(async () => {
    const hba =
      "host all trusted_green 127.0.0.1/32 trust\n" +
      "host all rejected_green 127.0.0.1/32 reject\n" +
      "host all all 127.0.0.1/32 scram-sha-256"
    server = await startPostgres({ which, hba })
  }, 30_000)
  afterAll(() => server[Symbol.asyncDispose]())

  const mend = async (found: readonly Finding[]): Promise<void> => {
    for (const { remedy = "" } of found)
      for (const statement of sqlIn(remedy)) await server.sql(statement)
  }
  const here = Object.entries(cases).filter(([, { only }]) => only === undefined || only === which)
  test.each(here)(
    "%s: refused, and mended by the SQL that it names",
    async (_, { code, broken }) => {
      const pair = await newPair(server)
      const driver = pair.open()
      const current = await turn(driver, "v1")
      expect(await errorsOf(driver, versions(current))).toEqual([])
      for (const statement of broken(pair).split("; ")) await server.sql(statement)
      const found = await errorsOf(driver, versions(current))
      expect([...new Set(found.map((one) => one.code))]).toEqual([code])
      for (const { message } of found) expect(message).toContain(pair.name)
      await mend(found)
      // What one thing hides is said the second time.
      await mend(await errorsOf(driver, versions(current)))
      expect(await errorsOf(driver, versions(current))).toEqual([])
      const next = await turn(driver, "v2", current)
      expect(await driver.probe(next, soon())).toBe("accepted")
    },
    15_000,
  )

  test("a role or the owner that does not exist is named", async () => {
    const pair = await newPair(server)
    expect(await errorsOf(pair.open({ roles: [pair.blue, "never_was"] }))).toMatchObject([
      { code: "account-missing", message: "role never_was does not exist" },
    ])
    expect(await errorsOf(pair.open({ owner: "never_was" }))).toMatchObject([
      { code: "owner-missing", remedy: 'CREATE ROLE "never_was" NOLOGIN' },
    ])
  })

  test("the database must exist, and let the pair in", async () => {
    const pair = await newPair(server)
    await server.sql(`create database ${pair.name}`)
    await server.sql(`revoke connect on database ${pair.name} from public`)
    const at = (database: string): Record<string, unknown> => ({
      address: `postgresql://127.0.0.1:${server.port}/${database}`,
    })
    expect((await errorsOf(pair.open(at("never_was")))).map(({ code }) => code)).toEqual([
      "database-missing",
      "database-missing",
    ])
    const found = await errorsOf(pair.open(at(pair.name)))
    expect(found.map(({ code }) => code)).toEqual(["pair-no-connect", "pair-no-connect"])
    await server.sql(found[0]?.remedy ?? "")
    expect(await errorsOf(pair.open(at(pair.name)))).toEqual([])
  })

  test("the setting of an application is named, its value is not", async () => {
    const pair = await newPair(server)
    const driver = pair.open()
    await server.sql(`alter role ${pair.blue} set app.jwt_secret = 'hunter2hunter2'`)
    const found = await errorsOf(driver, versions(await turn(driver, "v1")))
    expect(found).toMatchObject([
      {
        code: "pair-settings-differ",
        message: expect.stringContaining("app.jwt_secret"),
        remedy: `ALTER ROLE "${pair.green}" SET app.jwt_secret = (its value for ${pair.blue})`,
      },
    ])
    expect(JSON.stringify(found)).not.toContain("hunter2")
  })

  test("a role that sets its own settings puts neither SQL nor a terminal's signs into what an admin pastes", async () => {
    const pair = await newPair(server)
    const driver = pair.open()
    const current = await turn(driver, "v1")
    await using app = await program(server, pair.blue, passwordIn(current))
    await app.unsafe("set role none")
    await app.unsafe(
      `select set_config('search_path', 'public;ALTER/**/ROLE/**/${pair.blue}/**/SUPERUSER', false)`,
    )
    await app.unsafe(`alter role ${pair.blue} set search_path from current`)
    await app.unsafe(`alter role ${pair.blue} set application_name = E'x\\x1b]0;owned\\x07'`)
    const unsaid = `(its value for ${pair.blue})`
    const remedy =
      `ALTER ROLE "${pair.green}" SET application_name = ${unsaid}; ALTER ROLE "${pair.green}" ` +
      `SET search_path = ${unsaid}`
    expect(await errorsOf(driver, versions(current))).toMatchObject([
      { code: "pair-settings-differ", remedy },
    ])
  })

  test("a line of pg_hba.conf for the idle role alone is found before it gets a value", async () => {
    const [trusted, rejected] = [
      await newPair(server, "trusted"),
      await newPair(server, "rejected"),
    ]
    expect(await errorsOf(trusted.open())).toEqual([])
    expect(
      await errorsOf(trusted.open(), versions(await turn(trusted.open(), "v1"))),
    ).toMatchObject([
      { code: "accepts-anything", message: expect.stringContaining("trusted_green") },
    ])
    expect(
      await errorsOf(rejected.open(), versions(await turn(rejected.open(), "v1"))),
    ).toMatchObject([{ code: "no-answer" }])
  })

  test("what another pair, a superuser for an admin, or names that need quotes do, is no error", async () => {
    await newPair(server)
    const pair = await newPair(server)
    const odd = [`${pair.name} b"l'ue`, `${pair.name} gr\\een`, `${pair.name} Ow"ner`] as const
    const [blue, green, owner] = odd.map((name) => `"${name.replaceAll('"', '""')}"`)
    await server.sql(
      `create role ${owner} nologin; create role ${blue} login in role ${owner}; ` +
        `create role ${green} login in role ${owner}`,
    )
    await server.sql(
      `alter role ${blue} set role = ${owner}; alter role ${green} set role = ${owner}`,
    )
    const driver = pair.openAsSuperuser({ roles: [odd[0], odd[1]], owner: odd[2] })
    expect(await errorsOf(driver)).toEqual([])
    const first = await turn(driver, "v1")
    const next = await turn(driver, "v2", first)
    expect([await driver.probe(first, soon()), await driver.probe(next, soon())]).toEqual([
      "accepted",
      "accepted",
    ])
    await driver.revoke(first, next, { endSessions: true }, soon())
    expect(await errorsOf(driver, versions(next))).toEqual([])
    await server.sql(
      `alter role ${green} reset role; create table "odd t" (); alter table "odd t" owner to ${blue}`,
    )
    await mend(await errorsOf(driver, versions(next)))
    expect(await errorsOf(driver, versions(next))).toEqual([])
  })

  test("changes nothing, and its own login of the idle role is not counted as a session in use", async () => {
    const pair = await newPair(server)
    const driver = pair.open()
    const current = await turn(driver, "v1")
    await using _ = await program(server, pair.blue, passwordIn(current))
    const all = async (): Promise<unknown> =>
      server.sql(
        "select (select json_agg(a) from pg_authid a)::text, " +
          "(select json_agg(s) from pg_db_role_setting s)::text, " +
          "(select json_agg(m) from pg_auth_members m)::text",
      )
    const before = await all()
    for (let times = 0; times < 3; times++)
      expect(await errorsOf(driver, versions(current))).toEqual([])
    expect(await all()).toEqual(before)
    expect(
      await errorsOf(driver, versions(credential("v0", { user: "other", password: "x" }))),
    ).toMatchObject([{ code: "user-differs" }])
  })
})

/** What is left of a remedy for people: the statements. */
function sqlIn(remedy: string): readonly string[] {
  return remedy
    .replace(/^.*?in database [^:]+: /, "")
    .replace(/^grant \S+ the same first; then, /, "")
    .replace(/^once no program logs in as it: /, "")
    .split("; ")
}
