import { randomBytes } from "node:crypto"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Credential, Driver } from "../../../../src/core/ports.ts"
import { clientOf } from "../../../support/login.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { until } from "../../../support/until.ts"
import { credential, drafted, host, open, soon, versions } from "./harness.ts"

/**
 * A role may give itself a setting whose check takes minutes: so long does each of its logins last
 * after its password was accepted, and before 18 no view of sessions shows it.
 */

const servers: PostgresServer[] = []
beforeAll(async () => {
  for (const which of ["system", "newer"] as const)
    servers.push(await startPostgres({ which, config: { authentication_timeout: "2s" } }))
})
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]()
})

type Role = { readonly role: string; readonly old: Credential; readonly driver: Driver }
let roles = 0

/** The admin is no superuser, as `check` recommends. */
async function newRole(server: PostgresServer): Promise<Role> {
  const role = `held${++roles}`
  const [user, password] = [`rotator_${role}`, `Admin-${randomBytes(9).toString("hex")}`]
  await server.sql(
    `create role ${role} login password 'old-password'; create role ${user} login createrole password '${password}'; ` +
      `grant pg_read_all_stats, pg_signal_backend to ${user}; grant ${role} to ${user} with admin option`,
  )
  const admin = { user, password: { env: "ADMIN" }, database: "postgres" }
  return {
    role,
    old: credential("v1", { user: role, password: "old-password" }),
    driver: open(server, role, { admin }, password),
  }
}

/** As `ALTER ROLE … SET … FROM CURRENT` does, without the minutes that it takes. */
function setLong(
  server: PostgresServer,
  role: string,
  names: number,
  database = 0,
): Promise<unknown> {
  return server.sql(
    `insert into pg_db_role_setting values (${database}, (select oid from pg_roles where rolname = '${role}'), ` +
      `array['search_path=app', 'temp_tablespaces=' || repeat('pg_default,', ${names}) || 'pg_default'])`,
  )
}

const namesOf = (server: PostgresServer, role: string): Promise<unknown> =>
  server.sql(
    "select array_agg(split_part(left(one, 60), '=', 1)) as names from pg_db_role_setting s, unnest(setconfig) one " +
      `where setrole = (select oid from pg_roles where rolname = '${role}')`,
  )

describe.each([
  ["15", 0],
  ["18", 1],
] as const)("%s", (_, index) => {
  const at = (): PostgresServer => servers[index] as PostgresServer

  test("containment: a login by the old password that a setting holds up has no session in the end", async () => {
    const { role, old, driver } = await newRole(at())
    await setLong(at(), role, 1_500_000)
    const client = clientOf(at(), role, "old-password")
    const login = client.unsafe("select 1").then(
      () => "in",
      () => "ended",
    )
    await until("its login to be under way", () => underWay(at()))
    // The intruder takes it away again: a login by the new password is proven in no time.
    await at().sql(
      `delete from pg_db_role_setting where setrole = (select oid from pg_roles where rolname = '${role}')`,
    )
    const next = drafted(driver, "v2")
    const how = { contain: true }
    const live = { ...next, ...(await driver.apply(next, versions(old, next), soon(15_000), how)) }
    for (let waitedMs = 0; ; ) {
      const { underWay: rest } = (await driver.revokeOthers?.(live, soon(15_000), waitedMs)) ?? {}
      if (rest === undefined) break
      await host.pause(rest.inMs)
      waitedMs += rest.inMs
    }
    expect(await underWay(at())).toBe(false)
    // It may have ended well on a fast machine; then its session was ended.
    await login
    expect(await client.unsafe("select 1").catch(() => "ended")).toBe("ended")
    await client.close({ timeout: 0 }).catch(() => undefined)
  }, 60_000)

  test("containment: a setting of the role that holds up its logins is reset, and is said; others stay", async () => {
    const { role, old, driver } = await newRole(at())
    await setLong(at(), role, 2_000_000)
    await setLong(at(), role, 2_000_000, await databaseOf(at()))
    const next = drafted(driver, "v2")
    const how = { contain: true }
    const live = { ...next, ...(await driver.apply(next, versions(old, next), soon(15_000), how)) }
    expect(await driver.probe(live, soon(5000))).toBe("accepted")
    expect(await namesOf(at(), role)).toEqual([{ names: ["search_path", "search_path"] }])
    await at().sql("select pg_sleep(2.6)")
    const { notes } = (await driver.revokeOthers?.(live, soon(15_000), 5000)) ?? {}
    const told = expect.stringContaining(`the setting temp_tablespaces of role ${role}`)
    expect(notes).toEqual([told, told])
  }, 60_000)

  test("what is no containment resets nothing", async () => {
    const { role, old, driver } = await newRole(at())
    await setLong(at(), role, 20_000)
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(old, next), soon(15_000))
    expect(await namesOf(at(), role)).toEqual([{ names: ["search_path", "temp_tablespaces"] }])
  })
})

async function underWay(server: PostgresServer): Promise<boolean> {
  const found = await server.sql(
    "select 1 from pg_locks where locktype = 'object' and pid not in " +
      "(select pid from pg_stat_activity where state is distinct from 'starting')",
  )
  return (found as readonly unknown[]).length > 0
}

async function databaseOf(server: PostgresServer): Promise<number> {
  const [found] = (await server.sql(
    "select oid::int from pg_database where datname = current_database()",
  )) as readonly { readonly oid: number }[]
  return found?.oid ?? 0
}
