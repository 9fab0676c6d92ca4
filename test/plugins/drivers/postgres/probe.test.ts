import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Probe } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { makeVerifier } from "../../../../src/plugins/drivers/postgres/scram.ts"
import { clientOf } from "../../../support/login.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { credential, open, peer, soon } from "./harness.ts"

const right = "Right-password.1"
const hba = `
host all clear 127.0.0.1/32 password
host all md5user 127.0.0.1/32 md5
host all trusted 127.0.0.1/32 trust
host all rejected 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256`
let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres({ hba, config: { max_connections: "20" } })
  for (const role of [
    "shop",
    "clear",
    "trusted",
    "rejected",
    "nologin",
    "nobodyroom",
    "expired",
    `o"d'd \\ rôle`,
  ]) {
    await server.sql(`create role "${role.replaceAll('"', '""')}" login password '${right}'`)
  }
  await server.sql(
    "alter role nologin nologin; alter role nobodyroom connection limit 0; " +
      "alter role expired valid until '2001-01-01'",
  )
  // What an impostor would ask for, stored at a real server.
  const verifier = await makeVerifier(new Secret("test", right), Buffer.alloc(16, 1), 4095)
  await server.sql(`create role weakly login password '${verifier}'`)
  await server.sql("create database closed")
  await server.sql(`revoke connect on database closed from public`)
  await server.sql(`set password_encryption = 'md5'; create role md5user login password '${right}'`)
})
afterAll(() => server[Symbol.asyncDispose]())

function ask(
  user: string,
  password: string,
  address = `postgresql://127.0.0.1:${server.port}/postgres`,
  ms = 5000,
): Promise<Probe> {
  return open(server, user, { address }).probe(credential("v1", { user, password }), soon(ms))
}

describe("probe()", () => {
  test.each([
    ["shop", right, "accepted"],
    ["shop", "wrong", "refused"],
    [`o"d'd \\ rôle`, right, "accepted"],
    [`o"d'd \\ rôle`, "wrong", "refused"],
    ["nobody", right, "refused"],
    // It proves nothing, which the engine finds out with a value that must be wrong.
    ["trusted", "wrong", "accepted"],
    // 28P01 even to the right password: what the engine's counter-proof is for.
    ["expired", right, "refused"],
    ["nologin", right, "unknown"],
    // The limit is looked at after the password.
    ["nobodyroom", right, "accepted"],
    ["nobodyroom", "wrong", "refused"],
    ["rejected", right, "unknown"],
    ["clear", right, "unknown"],
    ["md5user", right, "unknown"],
    ["weakly", right, "unknown"],
  ] as const)("%s with %s: %s", async (user, password, answer) => {
    expect(await ask(user, password)).toBe(answer)
  })

  test("a database that is missing, or closed to the role, comes after the password", async () => {
    for (const database of ["missing", "closed"]) {
      const address = `postgresql://127.0.0.1:${server.port}/${database}`
      expect(await ask("shop", right, address)).toBe("accepted")
      expect(await ask("shop", "wrong", address)).toBe("refused")
    }
  })

  test("works over a unix socket, and without a database in the address", async () => {
    await using local = await startPostgres()
    await local.sql(`create role shop login password '${right}'`)
    const driver = open(local, "shop", {
      address: `postgresql://localhost:${local.port}?host=${local.socketFolder}`,
    })
    expect(await driver.probe(credential("v1", { password: right }), soon())).toBe("accepted")
    expect(await driver.probe(credential("v1", { password: "wrong" }), soon())).toBe("refused")
  })

  test("a name that must not be known is not: the probe is not called like a rotation", async () => {
    await using fake = await peer(() => undefined)
    await ask("shop", right, `postgresql://127.0.0.1:${fake.port}`, 200)
    expect(fake.received()).toContain("application_name\0mycelium-probe\0")
  })

  test("no server, silence and a full server are unknown", async () => {
    await using gone = await peer(() => undefined)
    await gone[Symbol.asyncDispose]()
    expect(await ask("shop", right, `postgresql://127.0.0.1:${gone.port}`)).toBe("unknown")
    await using small = await startPostgres({
      config: { max_connections: "4", superuser_reserved_connections: "1", max_wal_senders: "0" },
    })
    await small.sql(`create role shop login password '${right}' connection limit 1`)
    const driver = open(small, "shop")
    const old = credential("v1", { user: "shop", password: right })
    expect(await driver.probe(old, soon())).toBe("accepted")
    await using _ = await hold(small)
    // The role's own limit is looked at after the password.
    expect(await driver.probe(old, soon())).toBe("accepted")
    const wrong = credential("v2", { user: "shop", password: "wrong" })
    expect(await driver.probe(wrong, soon())).toBe("refused")
    await using filled = await fill(small)
    expect(filled.count).toBeGreaterThan(0)
    expect(await driver.probe(old, soon())).toBe("unknown")
  })

  test("a server that is stopped in its tracks, starting, or gone is unknown, within the deadline", async () => {
    await using other = await startPostgres()
    await other.sql(`create role shop login password '${right}'`)
    const driver = open(other, "shop")
    const old = credential("v1", { user: "shop", password: right })
    other.signal("SIGSTOP")
    const start = performance.now()
    expect(await driver.probe(old, soon(300))).toBe("unknown")
    expect(performance.now() - start).toBeLessThan(2000)
    other.signal("SIGCONT")
    expect(await driver.probe(old, soon())).toBe("accepted")
    await other.stop()
    expect(await driver.probe(old, soon())).toBe("unknown")
  })
})

/** Takes every connection that is left, the superuser's too. */
async function fill(small: PostgresServer): Promise<AsyncDisposable & { readonly count: number }> {
  const held: Awaited<ReturnType<typeof clientOf>>[] = []
  for (;;) {
    const client = clientOf(small, small.superuser, small.password)
    if (
      !(await client.unsafe("select 1").then(
        () => true,
        () => false,
      ))
    )
      break
    held.push(client)
  }
  return {
    count: held.length,
    [Symbol.asyncDispose]: async () =>
      void (await Promise.all(held.map((client) => client.close({ timeout: 0 })))),
  }
}

async function hold(small: PostgresServer): Promise<AsyncDisposable> {
  const client = clientOf(small, "shop", right)
  await client.unsafe("select 1")
  return { [Symbol.asyncDispose]: () => client.close({ timeout: 0 }) }
}
