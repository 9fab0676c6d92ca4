import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { startStandby } from "../../../support/servers/postgres-standby.ts"
import { until } from "../../../support/until.ts"
import { credential, drafted, open, passwordIn, program, soon, text, versions } from "./harness.ts"
import { errorsOf, newPair, turn } from "./pair-harness.ts"

/** Standbys that stream from a primary, for real: what is proven is proven on all of them. */

const keep = { endSessions: false }

describe.each(["system", "newer"] as const)("also: a standby, %s server", (which) => {
  let primary: PostgresServer
  let standby: PostgresServer
  beforeAll(async () => {
    primary = await startPostgres({ which, config: { max_wal_senders: "5", wal_level: "replica" } })
    standby = await startStandby(primary)
  }, 60_000)
  afterAll(async () => {
    await standby[Symbol.asyncDispose]()
    await primary[Symbol.asyncDispose]()
  })

  const also = (server = standby): Record<string, unknown> => ({
    also: [`postgresql://127.0.0.1:${server.port}`],
  })
  const arrived = (role: string): Promise<void> =>
    until(
      "the role is on the standby, with its password, which comes after it",
      async () =>
        (
          await standby.sql(
            `select 1 from pg_authid where rolname = '${role}' and rolpassword is not null`,
          )
        ).length === 1,
    )
  const pause = async (): Promise<void> => void (await standby.sql("select pg_wal_replay_pause()"))
  const resume = async (): Promise<void> =>
    void (await standby.sql("select pg_wal_replay_resume()"))

  test("a pair lives through its turns: applied and taken away means on both servers", async () => {
    const pair = await newPair(primary)
    await arrived(pair.rotator)
    const driver = pair.open(also())
    const alone = (server: PostgresServer): ReturnType<typeof pair.open> =>
      pair.open({ address: `postgresql://127.0.0.1:${server.port}/postgres` })
    let current = await turn(driver, "v1")
    for (const id of ["v2", "v3"]) {
      expect(await errorsOf(driver, versions(current))).toEqual([])
      const next = await turn(driver, id, current)
      // At once, and without another look: `apply` has waited.
      expect([
        await alone(primary).probe(next, soon()),
        await alone(standby).probe(next, soon()),
      ]).toEqual(["accepted", "accepted"])
      await driver.revoke(current, next, keep, soon())
      expect([
        await alone(primary).probe(current, soon()),
        await alone(standby).probe(current, soon()),
      ]).toEqual(["refused", "refused"])
      expect([await driver.probe(next, soon()), await driver.probe(current, soon())]).toEqual([
        "accepted",
        "refused",
      ])
      current = next
    }
  }, 20_000)

  test("while replay is paused nothing is proven: apply and revoke do not end, and the answer is unknown", async () => {
    const pair = await newPair(primary)
    await arrived(pair.rotator)
    const driver = pair.open(also())
    const current = await turn(driver, "v1")
    const next = { version: "v2", fields: driver.generate(versions(current), text) }
    try {
      await pause()
      expect(await errorsOf(driver, versions(current))).toMatchObject([
        {
          code: "standby-behind",
          message: expect.stringContaining("paused"),
          remedy: "on the standby: SELECT pg_wal_replay_resume()",
        },
      ])
      await expect(driver.apply(next, versions(current, next), soon(1500))).rejects.toMatchObject({
        remedy: "retry",
      })
      expect([await driver.probe(next, soon()), await driver.probe(current, soon())]).toEqual([
        "unknown",
        "accepted",
      ])
      await resume()
      await until(
        "the change has arrived",
        async () => (await driver.probe(next, soon())) === "accepted",
      )
      await pause()
      await expect(driver.revoke(current, next, keep, soon(3000))).rejects.toMatchObject({
        remedy: "retry",
      })
      expect([await driver.probe(next, soon()), await driver.probe(current, soon())]).toEqual([
        "accepted",
        "unknown",
      ])
      await resume()
      expect(await driver.revoke(current, next, keep, soon())).toEqual({ sessionsEnded: 0 })
      expect(await driver.probe(current, soon())).toBe("refused")
    } finally {
      await resume()
    }
  }, 20_000)

  // Of one version only: it takes the ten seconds that it is about.
  if (which === "system")
    test("a standby that never catches up is said by name, below every deadline", async () => {
      const pair = await newPair(primary)
      await arrived(pair.rotator)
      const driver = pair.open(also())
      try {
        await pause()
        const next = drafted(driver, "v2")
        await expect(
          driver.apply(next, versions(undefined, next), soon(18_000)),
        ).rejects.toMatchObject({
          code: "standby-behind",
          message: expect.stringContaining(`:${standby.port}`),
        })
      } finally {
        await resume()
      }
    }, 30_000)

  test("who is logged in on the standby counts, and is ended there", async () => {
    const pair = await newPair(primary)
    await primary.sql(`grant pg_signal_backend to ${pair.rotator}`)
    await arrived(pair.rotator)
    const driver = pair.open(also())
    const old = await turn(driver, "v1")
    await using older = await program(standby, pair.blue, passwordIn(old))
    const next = await turn(driver, "v2", old)
    const younger = await program(standby, pair.blue, passwordIn(old))
    await expect(driver.revoke(old, next, keep, soon(10_000))).rejects.toMatchObject({
      code: "previous-in-use",
    })
    await younger.close()
    expect(await driver.revoke(old, next, { endSessions: true }, soon(10_000))).toEqual({
      sessionsEnded: 1,
    })
    await primary.sql(`alter role ${pair.blue} login password 'by-hand'`)
    await until(
      "the password is on the standby",
      async () =>
        (
          await standby.sql(
            `select 1 from pg_authid where rolname = '${pair.blue}' and rolpassword is not null`,
          )
        ).length === 1,
    )
    await using idle = await program(standby, pair.blue, "by-hand")
    expect(await errorsOf(driver, versions(next))).toMatchObject([{ code: "pair-idle-in-use" }])
    void [older, idle]
  }, 20_000)

  test.each([
    ["with an admin", {}],
    ["that changes its own password", { admin: undefined }],
  ])(
    "one role %s: both servers change, or the answer is unknown",
    async (_, written) => {
      const role = `one${Object.keys(written).length}`
      await primary.sql(`create role ${role} login password 'old-password'`)
      await arrived(role)
      const driver = open(primary, role, { ...also(), ...written })
      const old = credential("v1", { user: role, password: "old-password" })
      expect(await errorsOf(driver, versions(old))).toEqual([])
      expect(await driver.probe(old, soon())).toBe("accepted")
      const next = drafted(driver, "v2")
      const { acceptedAt = "" } = await driver.apply(next, versions(old, next), soon())
      expect([await driver.probe(next, soon()), await driver.probe(old, soon())]).toEqual([
        "accepted",
        "refused",
      ])
      try {
        await pause()
        await expect(driver.apply(old, versions(old, next), soon(1500))).rejects.toMatchObject({
          remedy: "retry",
        })
        expect([await driver.probe(next, soon()), await driver.probe(old, soon())]).toEqual([
          "unknown",
          "unknown",
        ])
      } finally {
        await resume()
      }
      await driver.apply(next, versions(old, next), soon())
      await using session = await program(standby, role, passwordIn(next))
      expect(
        await driver.revoke(old, { ...next, acceptedAt }, { endSessions: true }, soon()),
      ).toMatchObject({ sessionsEnded: 0 })
      void session
    },
    20_000,
  )

  test("a server that is no standby of this primary is refused; the primary by another name is not", async () => {
    const pair = await newPair(primary)
    await using other = await startPostgres({ which })
    await other.sql(`create role ${pair.rotator} login password '${pair.adminPassword}'`)
    expect((await errorsOf(pair.open(also(other)))).map(({ code }) => code)).toEqual([
      "also-other-server",
    ])
    expect(await errorsOf(pair.open({ also: [`postgresql://localhost:${primary.port}`] }))).toEqual(
      [],
    )
    await using promoted = await startStandby(primary)
    await promoted.sql("select pg_promote()")
    expect((await errorsOf(pair.open(also(promoted)))).map(({ code }) => code)).toEqual([
      "also-not-standby",
    ])
  }, 60_000)

  test("a standby that is gone is no answer", async () => {
    const pair = await newPair(primary)
    const current = await turn(pair.open(), "v1")
    const driver = pair.open({ also: ["postgresql://127.0.0.1:1"] })
    expect(await driver.probe(current, soon())).toBe("unknown")
    await expect(driver.preflight(versions(current), soon())).rejects.toMatchObject({
      code: "unreachable",
      remedy: "retry",
    })
  })
})
