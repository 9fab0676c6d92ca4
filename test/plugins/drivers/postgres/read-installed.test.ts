import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Secret } from "../../../../src/core/secret.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { credential, drafted, open, program, soon, versions } from "./harness.ts"

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
  await server.sql(
    "create role shop login password 'old-password'; create role empty login; " +
      "create role weak login createrole password 'weak-password'",
  )
})
afterAll(() => server[Symbol.asyncDispose]())
const weak = { admin: { user: "weak", password: { env: "ADMIN" }, database: "postgres" } }

describe("stored()", () => {
  test("gives what the server holds; apply() puts it back, probe() judges it", async () => {
    const driver = open(server, "shop")
    const fields = (await driver.readInstalled?.(soon())) ?? {}
    expect([fields["user"], fields["verifier"] instanceof Secret]).toEqual(["shop", true])
    const zero = { version: "v0", fields }
    const next = drafted(driver, "v1")
    expect(await driver.probe(zero, soon())).toBe("accepted")
    await driver.apply(next, versions(undefined, next), soon())
    expect(await driver.probe(zero, soon())).toBe("refused")
    await driver.apply(zero, versions(zero, next), soon())
    expect([await driver.probe(zero, soon()), await driver.probe(next, soon())]).toEqual([
      "accepted",
      "refused",
    ])
    expect(await driver.probe(credential("v9", { password: "old-password" }), soon())).toBe(
      "accepted",
    )
    expect(await open(server, "shop", weak, "weak-password").probe(zero, soon())).toBe("unknown")
  })

  test("is undefined where there is nothing, or nothing that the admin may read", async () => {
    expect(await open(server, "empty").readInstalled?.(soon())).toBeUndefined()
    expect(
      await open(server, "shop", weak, "weak-password").readInstalled?.(soon()),
    ).toBeUndefined()
    expect(open(server, "shop", { admin: undefined }).readInstalled).toBeUndefined()
  })

  test("throws value-exists while a program uses the role, and account-missing if there is none", async () => {
    await using _ = await program(server, "shop", "old-password")
    await expect(open(server, "shop").readInstalled?.(soon())).rejects.toMatchObject({
      code: "value-exists",
    })
    await expect(
      open(server, "shop", weak, "weak-password").readInstalled?.(soon()),
    ).rejects.toMatchObject({ code: "value-exists" })
    await expect(open(server, "nobody").readInstalled?.(soon())).rejects.toMatchObject({
      code: "account-missing",
    })
  })
})
