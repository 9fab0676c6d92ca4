import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { init } from "../../../../src/cli/commands/init.ts"
import { postgresPair, scriptOf } from "../../../../src/cli/commands/postgres-pair.ts"
import type { Terminal } from "../../../../src/cli/command.ts"
import { realHost } from "../../../../src/base/system/host.ts"
import { parse } from "yaml"
import { z } from "zod"
import { PostgresOptions } from "../../../../src/plugins/drivers/postgres/options.ts"
import { postgres } from "../../../../src/plugins/drivers/postgres/index.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { program, reachWith, soon, versions } from "./harness.ts"
import { errorsOf, Pair, turn } from "./pair-harness.ts"

/** What `mycelium init --postgres-pair` prints, done as it says. */

async function printed(name: string, json = false): Promise<string> {
  const lines: string[] = []
  const terminal: Terminal = {
    host: realHost({}),
    stdout: (text) => void lines.push(text),
    stderr: (text) => void lines.push(text),
    interactive: () => false,
    variables: [],
    cwd: "/nowhere",
    pid: 1,
    uid: 1,
    stop: new AbortController().signal,
    onReload: () => undefined,
  }
  expect(await init.run(terminal, [], { "postgres-pair": name, json })).toBe(0)
  return lines.join("\n")
}

describe.each(["system", "newer"] as const)(
  "the SQL of init --postgres-pair, %s server",
  (which) => {
    let server: PostgresServer
    beforeAll(async () => {
      server = await startPostgres({ which, config: { log_statement: "all" } })
    }, 30_000)
    afterAll(() => server[Symbol.asyncDispose]())

    test("passes preflight as it is, and three rotations with it work", async () => {
      await server.sql(await printed("app"))
      await server.sql("alter role app_rotator password 'rotator-password'")
      const secret = z
        .object({ postgres: z.record(z.string(), z.unknown()) })
        .parse(parse(postgresPair("app").config))
      const { grace, ...written } = secret.postgres
      expect(grace).toBe("10m")
      const options = PostgresOptions.parse({
        ...written,
        address: `postgresql://127.0.0.1:${server.port}/postgres`,
      })
      const driver = postgres.open(options, reachWith("rotator-password"))
      expect(await driver.preflight(versions(), soon())).toMatchObject([
        { code: "sessions-out-of-reach", severity: "info" },
      ])
      expect(await driver.readInstalled?.(soon())).toBeUndefined()
      let current = await turn(driver, "v1")
      for (const id of ["v2", "v3"]) {
        expect(await errorsOf(driver, versions(current))).toEqual([])
        const next = await turn(driver, id, current)
        await driver.revoke(current, next, { endSessions: false }, soon())
        expect([await driver.probe(next, soon()), await driver.probe(current, soon())]).toEqual([
          "accepted",
          "refused",
        ])
        current = next
      }
    }, 15_000)

    test("gives the admin the least: no rights of the pair, and before 16 a warning", async () => {
      await server.sql(postgresPair("least").sql)
      const rights =
        await server.sql(`select rolsuper or rolcreatedb or rolreplication or rolbypassrls as much, pg_has_role('least_rotator', 'least_blue', 'USAGE') as inherits,
      pg_has_role('least_rotator', 'least_owner', '${which === "newer" ? "SET" : "MEMBER"}') as owns, pg_has_role('least_rotator', 'pg_signal_backend', 'MEMBER') as signals from pg_roles where rolname = 'least_rotator'`)
      expect(rights).toEqual([{ much: false, inherits: false, owns: false, signals: false }])
      expect(server.logs().includes("guard its password like a superuser's")).toBe(
        which === "system",
      )
    })

    test("can be run by who is no superuser, as on a hosted server", async () => {
      await server.sql(
        "create role hosted login createrole password 'hosted-password'; " +
          "grant pg_read_all_stats to hosted with admin option",
      )
      await using client = await program(server, "hosted", "hosted-password")
      await client.unsafe(postgresPair("rented").sql)
      await client.unsafe("alter role rented_rotator password 'rotator-password'")
      expect(await errorsOf(new Pair(server, "rented", "rotator-password").open())).toEqual([])
    })

    test("is all or nothing: a role that exists stops it before anything is made", async () => {
      await server.sql("create role half_rotator")
      await expect(server.sql(postgresPair("half").sql)).rejects.toThrow()
      expect(await server.sql("select rolname from pg_roles where rolname like 'half%'")).toEqual([
        { rolname: "half_rotator" },
      ])
    })

    const psql = Bun.which("psql")
    test.skipIf(psql === null || Bun.which("setsid") === null || Bun.which("openssl") === null)(
      "its way to set the admin's password shows it nowhere (SKIP: needs psql, setsid, openssl)",
      async () => {
        await using folder = await temporaryFolder()
        await server.sql(await printed("shown"))
        const file = `${folder.path}/shown_rotator.password`
        const commands = postgresPair("shown")
          .setPassword.replaceAll("/etc/mycelium/shown_rotator.password", file)
          .replaceAll("DATABASE", "postgres")
        const env = {
          PATH: process.env["PATH"] ?? "",
          PGHOST: server.socketFolder,
          PGPORT: String(server.port),
          PGUSER: server.superuser,
          PGPASSWORD: server.password,
        }
        const ran = await Bun.$`sh -c ${commands}`.env(env).quiet().nothrow()
        expect(ran.exitCode).toBe(0)
        const password = (await Bun.file(file).text()).trim()
        expect(password).toMatch(/^[0-9a-f]{48}$/)
        const driver = new Pair(server, "shown", password).open()
        expect(await errorsOf(driver)).toEqual([])
        expect(server.logs()).not.toContain(password)
        expect(`${ran.stdout.toString()}${ran.stderr.toString()}`).not.toContain(password)
        expect(existsSync(file)).toBe(true)
      },
    )
  },
)

test("holds no value; as JSON in its parts; a name that would need quotes is a usage error", async () => {
  const text = scriptOf(postgresPair("app"))
  expect(text).not.toMatch(/PASSWORD '|password: "/i)
  expect(text.split("\n").every((line) => line === "" || !line.startsWith("postgres:"))).toBe(true)
  expect(Object.keys(JSON.parse(await printed("app", true)) as object)).toEqual([
    "sql",
    "config",
    "setPassword",
  ])
  expect(`${"x".repeat(55)}_rotator`.length).toBe(63)
  expect(postgresPair("x".repeat(55)).sql).toContain("_rotator")
  for (const name of ["", "App", "a-b", "1a", "pg_app", "a'b", "x".repeat(56)])
    expect(() => postgresPair(name)).toThrow(expect.objectContaining({ code: "usage" }))
})
