import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Credential, Driver, UnderWay } from "../../../../src/core/ports.ts"
import { pausedLogin } from "../../../support/paused-login.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { until } from "../../../support/until.ts"
import { credential, drafted, host, open, soon, versions } from "./harness.ts"
import { newPair, turn } from "./pair-harness.ts"

/**
 * The server reads what it knows of a password before the client proves that it has it: a login
 * that has begun by the old one may end well after the change.
 */

const servers: PostgresServer[] = []
beforeAll(async () => {
  for (const which of ["system", "newer"] as const)
    servers.push(await startPostgres({ which, config: { authentication_timeout: "2s" } }))
})
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]()
})

let roles = 0
async function newRole(server: PostgresServer): Promise<{ role: string; old: Credential }> {
  const role = `late${++roles}`
  await server.sql(`create role ${role} login password 'old-password'`)
  return { role, old: credential("v1", { user: role, password: "old-password" }) }
}

async function changed(driver: Driver, old: Credential): Promise<Credential> {
  const next = drafted(driver, "v2")
  return { ...next, ...(await driver.apply(next, versions(old, next), soon())) }
}

type Act = (waitedMs: number) => Promise<{
  readonly sessionsEnded: number
  readonly underWay?: UnderWay
}>

/** As the engine does: asks, waits, asks again. */
async function untilOver(act: Act, meanwhile: () => Promise<unknown>): Promise<number> {
  let done = await act(0)
  let waitedMs = 0
  expect(done.underWay).toBeDefined()
  await meanwhile()
  for (; done.underWay !== undefined; done = await act(waitedMs)) {
    await host.pause(done.underWay.inMs)
    waitedMs += done.underWay.inMs
  }
  return waitedMs
}

const which = [0, 1] as const
describe.each(which.map((index) => [index === 0 ? "15" : "18", index] as const))(
  "%s",
  (_, index) => {
    const at = (): PostgresServer => servers[index] as PostgresServer

    test.each([
      ["an admin", {}],
      ["the role itself", { admin: undefined }],
    ])("a login that was under way has no session in the end, as %s", async (_, written) => {
      const { role, old } = await newRole(at())
      const driver = open(at(), role, written)
      await using login = await pausedLogin(at().port, role, "old-password")
      const live = await changed(driver, old)
      const ask = { endSessions: true }
      // It ends well, where the server has not ended it before: that is what is waited for.
      let end = ""
      await untilOver(
        (waitedMs) => driver.revoke(old, live, { ...ask, waitedMs }, soon()),
        async () => (end = await login.finish()),
      )
      expect(end).toBe("in")
      await until("its session has ended", () => !login.lives())
    })

    test("containment: the same", async () => {
      const { role, old } = await newRole(at())
      const driver = open(at(), role)
      await using login = await pausedLogin(at().port, role, "old-password")
      const live = await changed(driver, old)
      await untilOver(
        (waitedMs) => driver.revokeOthers?.(live, soon(), waitedMs) ?? Promise.reject(),
        () => login.finish(),
      )
      await until("its session has ended", () => !login.lives())
    })

    test("a login that never goes on holds nothing up for longer than the server lets it", async () => {
      const { role, old } = await newRole(at())
      const driver = open(at(), role)
      await using login = await pausedLogin(at().port, role, "old-password")
      const live = await changed(driver, old)
      const waited = await untilOver(
        (waitedMs) => driver.revokeOthers?.(live, soon(), waitedMs) ?? Promise.reject(),
        () => Promise.resolve(),
      )
      expect(waited).toBeLessThan(3000)
      expect(await login.finish()).toBe("refused")
    })

    test("what has passed by the server's clock is not waited for again", async () => {
      const { role, old } = await newRole(at())
      const driver = open(at(), role)
      const live = await changed(driver, old)
      await at().sql("select pg_sleep(2.6)")
      expect((await driver.revokeOthers?.(live, soon(), 0))?.underWay).toBeUndefined()
    })

    test("no session is to end: nothing is waited for", async () => {
      const { role, old } = await newRole(at())
      const driver = open(at(), role)
      const live = await changed(driver, old)
      expect(await driver.revoke(old, live, { endSessions: false }, soon())).toEqual({
        sessionsEnded: 0,
      })
    })

    test("of a pair, the former role lets in no login that was under way, and its turn comes again", async () => {
      const pair = await newPair(at())
      const driver = pair.open()
      const first = await turn(driver, "v1")
      await using login = await pausedLogin(
        at().port,
        pair.blue,
        (first.fields["password"] as { reveal(): string }).reveal(),
      )
      const second = await turn(driver, "v2", first)
      await driver.revoke(first, second, { endSessions: true }, soon())
      expect(await login.finish()).toBe("refused")
      expect(await driver.probe(first, soon())).toBe("refused")
      expect(
        (await driver.preflight(versions(second), soon(15_000))).filter(
          ({ severity }) => severity === "error",
        ),
      ).toEqual([])
      const third = await turn(driver, "v3", second)
      expect(await driver.probe(third, soon())).toBe("accepted")
    })
  },
)

test("18 shows an admin who may see it that no login is under way: nothing is waited for", async () => {
  const server = servers[1] as PostgresServer
  const { role, old } = await newRole(server)
  await server.sql(
    "create role seer login createrole password 'seer-password'; " +
      `grant pg_read_all_stats, pg_signal_backend to seer; grant ${role} to seer with admin ` +
      "true",
  )
  const admin = { user: "seer", password: { env: "ADMIN" }, database: "postgres" }
  const driver = open(server, role, { admin }, "seer-password")
  const live = await changed(driver, old)
  expect((await driver.revokeOthers?.(live, soon(), 0))?.underWay).toBeUndefined()
  const again = await changed(driver, live)
  await using _login = await pausedLogin(server.port, role, "no-password")
  expect((await driver.revokeOthers?.(again, soon(), 0))?.underWay).toBeUndefined()
})
