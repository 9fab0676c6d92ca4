import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Host } from "../../../../src/base/system/host.ts"
import type { Credential, Driver } from "../../../../src/core/ports.ts"
import { untilQuiet } from "../../../../src/plugins/drivers/postgres/in-use.ts"
import {
  isHarmless,
  openSessions,
  saySessions,
} from "../../../../src/plugins/drivers/postgres/open-sessions.ts"
import type { Connection } from "../../../../src/plugins/drivers/postgres/wire.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { errorOf } from "../../../support/error-of.ts"
import { host, passwordIn, program, soon, versions } from "./harness.ts"
import { errorsOf, newPair, type Pair, turn } from "./pair-harness.ts"

const keep = { endSessions: false }
const end = { endSessions: true }

test("a server that is no friend gets no words of its own into a message, the log or a report", async () => {
  const rows = [
    ["10.0.0.5", "psql"],
    ["fe80::1", ""],
    [null, ""],
    ["10.0.0.5\n| **all is well** |\x1b[31m", "a\nb"],
  ].map(([address, program]) => ({ address, program, younger: "t" }))
  const connection = { rows: () => Promise.resolve(rows) } as unknown as Connection
  expect(saySessions(await openSessions(connection, "app"))).toBe(
    "4 sessions, 1 from 10.0.0.5 (psql), 1 from fe80::1, 1 from a local socket, " +
      "1 from an address that is none",
  )
})

describe.each(["system", "newer"] as const)("a pair's old role in use, %s server", (which) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ which })
  }, 30_000)
  afterAll(() => server[Symbol.asyncDispose]())

  const rotated = async (): Promise<{
    pair: Pair
    driver: Driver
    old: Credential
    live: Credential
    before: Bun.SQL & AsyncDisposable
  }> => {
    const pair = await newPair(server)
    const driver = pair.open()
    const old = await turn(driver, "v1")
    const before = await program(server, pair.blue, passwordIn(old))
    return { pair, driver, old, live: await turn(driver, "v2", old), before }
  }

  test("a session that began after the new value was accepted keeps the old one alive, and is said; when it ends the revoke goes on", async () => {
    const { pair, driver, old, live, before } = await rotated()
    await using older = before
    const worker = await program(server, pair.blue, passwordIn(old))
    await worker.unsafe("set application_name = 'report worker'")
    const error = await errorOf(driver.revoke(old, live, keep, soon()))
    expect(error).toMatchObject({
      code: "previous-in-use",
      remedy: "retry",
      hint: expect.stringContaining("pg_stat_activity"),
    })
    expect(error.message).toBe(
      `role ${pair.blue} is still in use: 1 session, 1 from 127.0.0.1 (report worker) that ` +
        `began after ${pair.green} took over`,
    )
    expect(await driver.probe(old, soon())).toBe("accepted")
    await worker.close()
    expect(await driver.revoke(old, live, keep, soon())).toEqual({ sessionsEnded: 0 })
    expect(await driver.probe(old, soon())).toBe("refused")
    expect((await older.unsafe("select 1 as one"))[0]).toEqual({ one: 1 })
  }, 15_000)

  test("an older session does not; it is ended only where that is asked for", async () => {
    const { pair, driver, old, live, before } = await rotated()
    await using older = before
    expect(await driver.revoke(old, live, keep, soon())).toEqual({ sessionsEnded: 0 })
    expect((await older.unsafe("select 1 as one"))[0]).toEqual({ one: 1 })
    await expect(driver.revoke(old, live, end, soon())).rejects.toMatchObject({
      code: "sessions-out-of-reach",
    })
    await server.sql(`grant pg_signal_backend to ${pair.rotator}`)
    await using current = await program(server, pair.green, passwordIn(live))
    expect(await driver.revoke(old, live, end, soon())).toEqual({ sessionsEnded: 1 })
    expect(await driver.revoke(old, live, end, soon())).toEqual({ sessionsEnded: 0 })
    expect((await current.unsafe("select 1 as one"))[0]).toEqual({ one: 1 })
  }, 15_000)

  test("once the password is dead, its open sessions cannot be locked out: the revoke is done", async () => {
    const { pair, driver, old, live, before } = await rotated()
    await using older = before
    await using younger = await program(server, pair.blue, passwordIn(old))
    await server.sql(`alter role ${pair.blue} password null`)
    expect(await driver.revoke(old, live, keep, soon(10_000))).toEqual({ sessionsEnded: 0 })
    void [older, younger]
  }, 15_000)

  test("without the instant, any session of the old role counts; there is none to end afterwards", async () => {
    const { pair, driver, old, live, before } = await rotated()
    const { acceptedAt: _, ...undated } = live
    await expect(driver.revoke(old, undated, end, soon(10_000))).rejects.toMatchObject({
      code: "previous-in-use",
      message: expect.stringMatching(/1 session, 1 from 127\.0\.0\.1$/),
    })
    await before.close()
    expect(await driver.revoke(old, undated, end, soon())).toEqual({ sessionsEnded: 0 })
    expect(await driver.probe(old, soon())).toBe("refused")
    void pair
  }, 15_000)

  test("a program that connects for each request is seen, too", async () => {
    const { pair, driver, old, live, before } = await rotated()
    await using older = before
    const stop = new AbortController()
    const visits = (async () => {
      for (; !stop.signal.aborted; await Bun.sleep(50)) {
        await using _ = await program(server, pair.blue, passwordIn(old))
        await Bun.sleep(100)
      }
    })()
    try {
      await expect(driver.revoke(old, live, keep, soon(10_000))).rejects.toMatchObject({
        code: "previous-in-use",
      })
    } finally {
      stop.abort()
      await visits
    }
    expect(await driver.probe(old, soon())).toBe("accepted")
    void older
  }, 15_000)

  test("an admin that may not see ages is told so, and nothing is taken away", async () => {
    const { pair, driver, old, live, before } = await rotated()
    await using older = before
    await server.sql(`revoke pg_read_all_stats from ${pair.rotator}`)
    await expect(driver.revoke(old, live, keep, soon())).rejects.toMatchObject({
      code: "sessions-hidden",
    })
    expect(await driver.probe(old, soon())).toBe("accepted")
    expect(await errorsOf(driver, versions(live))).toContainEqual(
      expect.objectContaining({
        code: "sessions-hidden",
        remedy: `GRANT pg_read_all_stats TO "${pair.rotator}"`,
      }),
    )
    void older
  })

  test("the idle role in use keeps a rotation from starting", async () => {
    const pair = await newPair(server)
    const driver = pair.open()
    const current = await turn(driver, "v1")
    await server.sql(`alter role ${pair.green} password 'by-hand'`)
    await using somebody = await program(server, pair.green, "by-hand")
    const [found, ...others] = await errorsOf(driver, versions(current))
    expect(others).toEqual([])
    expect(found).toMatchObject({
      code: "pair-idle-in-use",
      message: expect.stringContaining("1 session, 1 from 127.0.0.1"),
    })
    const [, mend = ""] = /to end it: (.*)/.exec(found?.remedy ?? "") ?? []
    await server.sql(mend)
    expect(await errorsOf(driver, versions(current))).toEqual([])
    void somebody
  })

  test("a first value is refused while either role is in use, or the second holds a password", async () => {
    const pair = await newPair(server)
    const driver = pair.openAsSuperuser()
    expect(await driver.readInstalled?.(soon())).toBeUndefined()
    await server.sql(`alter role ${pair.green} password 'by-hand'`)
    await expect(driver.readInstalled?.(soon())).rejects.toMatchObject({
      code: "value-exists",
      message: expect.stringContaining("has a password already"),
    })
    const somebody = await program(server, pair.green, "by-hand")
    await expect(pair.open().readInstalled?.(soon())).rejects.toMatchObject({
      code: "value-exists",
      message: expect.stringContaining("in use"),
    })
    await somebody.close()
    await server.sql(
      `alter role ${pair.green} password null; alter role ${pair.blue} password 'by-hand'`,
    )
    const fields = (await driver.readInstalled?.(soon())) ?? {}
    expect(fields).toMatchObject({ user: pair.blue })
    const zero = { version: "v0", fields }
    const first = await turn(driver, "v1")
    expect([await driver.probe(zero, soon()), await driver.probe(first, soon())]).toEqual([
      "refused",
      "accepted",
    ])
    expect(await driver.revoke(zero, first, keep, soon())).toEqual({ sessionsEnded: 0 })
    expect(await driver.probe(first, soon())).toBe("accepted")
    await driver.apply(zero, versions(zero, first), soon())
    expect([await driver.probe(zero, soon()), await driver.probe(first, soon())]).toEqual([
      "accepted",
      "refused",
    ])
  })
})

describe("how long a role is watched, with the clock in hand", () => {
  /** Each look takes `lookMs`; what it finds, look by look, is `seen`. */
  async function watched(
    lookMs: number,
    seen: (look: number) => readonly string[] = () => [],
  ): Promise<{ readonly found: readonly string[]; readonly looks: number; readonly ms: number }> {
    let [now, looks] = [0, 0]
    const slow: Host = {
      ...host,
      monotonicMs: () => now,
      pause: (ms) => Promise.resolve(void (now += ms)),
    }
    const look = (): Promise<readonly string[]> => ((now += lookMs), Promise.resolve(seen(looks++)))
    const found = await untilQuiet(slow, { look, hasArrived: () => Promise.resolve(false) }, soon())
    return { found, looks, ms: now }
  }

  test("a slow machine makes it no longer, but where there would be too few looks", async () => {
    expect(await watched(0)).toEqual({ found: [], looks: 21, ms: 400 })
    expect(await watched(10)).toEqual({ found: [], looks: 14, ms: 400 })
    expect(await watched(200)).toMatchObject({ found: [], looks: 10 })
  })

  test("a session that is seen begins it anew; one that stays for two seconds uses the role", async () => {
    expect(await watched(0, (look) => (look < 5 ? ["worker"] : []))).toMatchObject({
      found: [],
      ms: 480,
    })
    expect(await watched(0, () => ["worker"])).toMatchObject({ found: ["worker"], ms: 2000 })
    expect(await watched(500, () => ["worker"])).toMatchObject({ found: ["worker"], looks: 4 })
  })
})

test("a program's name is repeated only where it looks harmless", () => {
  expect(
    ["psql", "PostgreSQL JDBC Driver", "puma: worker 0", "api-7d9f8b6c5d-x2x4z"].map(isHarmless),
  ).toEqual([true, true, true, true])
  expect(
    ["", "a\nb", "x".repeat(24), "hunter2'", "Old-0123456789abcdef0123"].map(isHarmless),
  ).toEqual([false, false, false, false, false])
})
