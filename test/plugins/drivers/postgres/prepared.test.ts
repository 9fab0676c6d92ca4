import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Credential, Driver } from "../../../../src/core/ports.ts"
import { clientOf } from "../../../support/login.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { credential, drafted, open, soon, versions } from "./harness.ts"

/**
 * A prepared transaction belongs to no session: it keeps its locks, and lives on when all sessions
 * have ended.
 */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres({
    config: { max_prepared_transactions: "5", authentication_timeout: "1s" },
  })
})
afterAll(() => server[Symbol.asyncDispose]())

let made = 0
/** A role whose session has left a prepared transaction and ended. */
async function leave(statement: (role: string) => string): Promise<{
  readonly role: string
  readonly gid: string
  readonly old: Credential
  readonly driver: Driver
}> {
  const role = `two_phase${++made}`
  const gid = `left-${made}`
  await server.sql(`create role ${role} login password 'old-password'; create table of_${role} ()`)
  await server.sql(`alter table of_${role} owner to ${role}`)
  const theirs = clientOf(server, role, "old-password")
  await theirs.unsafe(`begin; ${statement(role)}; prepare transaction '${gid}'`)
  await theirs.close({ timeout: 0 })
  const old = credential("v1", { user: role, password: "old-password" })
  return { role, gid, old, driver: open(server, role) }
}

test("one that has changed the role: preflight names it, and so does the change that it holds up", async () => {
  const { role, gid, old, driver } = await leave(
    (name) => `alter role ${name} password 'left-password'`,
  )
  const named = `prepared transaction '${gid}' of ${role} in database postgres`
  expect(await driver.preflight(versions(old), soon())).toContainEqual({
    code: "role-held-prepared",
    severity: "error",
    message: `${named} has changed role ${role}, which cannot be changed until it ends`,
    remedy: `in database postgres, as ${role} or a superuser: ROLLBACK PREPARED '${gid}'`,
  })
  const next = drafted(driver, "v2")
  await expect(
    driver.apply(next, versions(old, next), soon(20_000), { contain: true }),
  ).rejects.toMatchObject({ code: "role-held-prepared", message: expect.stringContaining(named) })
  await server.sql(`rollback prepared '${gid}'`)
  await driver.apply(next, versions(old, next), soon())
  expect(await driver.probe(next, soon())).toBe("accepted")
}, 60_000)

test("an admin that may not read pg_authid is warned", async () => {
  const { role, gid, old } = await leave((name) => `alter role ${name} password 'left-password'`)
  const admin = `admin_of_${role}`
  await server.sql(`create role ${admin} login createrole password 'admin-password'`)
  const driver = open(
    server,
    role,
    { admin: { user: admin, password: { env: "ADMIN" }, database: "postgres" } },
    "admin-password",
  )
  expect(await driver.preflight(versions(old), soon())).toContainEqual(
    expect.objectContaining({
      code: "role-held-prepared",
      severity: "warning",
      message:
        `prepared transaction '${gid}' of ${role} in database postgres has changed a role: ` +
        `if that is ${role}, it cannot be changed until it ends`,
    }),
  )
  await server.sql(`rollback prepared '${gid}'`)
})

test("one of the role that has changed no role outlives a containment, which says so", async () => {
  const { role, gid, old, driver } = await leave((name) => `lock table of_${name}`)
  expect((await driver.preflight(versions(old), soon())).map(({ code }) => code)).not.toContain(
    "role-held-prepared",
  )
  const next = drafted(driver, "v2")
  const { acceptedAt } = await driver.apply(next, versions(old, next), soon())
  const live = { ...next, ...(acceptedAt === undefined ? {} : { acceptedAt }) }
  expect((await driver.revokeOthers?.(live, soon()))?.notes).toEqual([
    `1 transaction that role ${role} prepared before lives on, with its locks: ` +
      `'${gid}' in database postgres; ROLLBACK PREPARED there ends it, ` +
      `as ${role} or a superuser`,
  ])
  await server.sql(`rollback prepared '${gid}'`)
  expect((await driver.revokeOthers?.(live, soon()))?.notes).toEqual([])
})

test("a name that may hold anything is not repeated", async () => {
  const { role, old, driver, gid } = await leave((name) => `lock table of_${name}`)
  await server.sql(`rollback prepared '${gid}'`)
  const again = clientOf(server, role, "old-password")
  const odd = "0123456789abcdef0123456789abcdef"
  await again.unsafe(`begin; lock table of_${role}; prepare transaction '${odd}'`)
  await again.close({ timeout: 0 })
  const next = drafted(driver, "v2")
  const { acceptedAt } = await driver.apply(next, versions(old, next), soon())
  const live = { ...next, ...(acceptedAt === undefined ? {} : { acceptedAt }) }
  const notes = (await driver.revokeOthers?.(live, soon()))?.notes ?? []
  expect(notes).toEqual([expect.stringContaining("pg_prepared_xacts names it")])
  expect(notes.join()).not.toContain(odd)
  await server.sql(`rollback prepared '${odd}'`)
})
