import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { errorOf } from "../../../support/error-of.ts"
import { type RabbitmqServer, startRabbitmq } from "../../../support/servers/rabbitmq.ts"
import { startRelay } from "../../../support/relay.ts"
import { account, credential, drafted, open, passwordIn, shown, soon, versions } from "./harness.ts"

let server: RabbitmqServer
beforeAll(async () => {
  server = await startRabbitmq()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose]())

describe("apply()", () => {
  test("changes the password alone: tags, permissions and limits stay", async () => {
    const shop = await account(server, "monitoring,team-a")
    await server.ask("PUT", `user-limits/${shop.user}/max-connections`, { value: 7 })
    const permissions = (): Promise<unknown> => server.ask("GET", `users/${shop.user}/permissions`)
    const [before, allowed] = [await shown(server, shop.user), await permissions()]
    const next = drafted(shop.open(), "v2")
    await shop.open().apply(next, versions(shop.old, next), soon())
    const after = await shown(server, shop.user)
    expect({ ...after, password_hash: "" }).toEqual({ ...before, password_hash: "" })
    expect(after["password_hash"]).not.toBe(before["password_hash"])
    expect(await permissions()).toEqual(allowed)
  })

  test("sends the salted hash, never the password", async () => {
    const shop = await account(server)
    await using relay = await startRelay(server.port)
    let sent = ""
    relay.watch((chunk) => {
      sent += chunk
      return "pass"
    })
    const driver = shop.open({ address: `http://127.0.0.1:${relay.port}` })
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(shop.old, next), soon())
    const { password_hash } = await shown(server, shop.user)
    expect(sent).toContain(String(password_hash))
    for (const password of [passwordIn(next), shop.password])
      for (const shape of [password, Buffer.from(password).toString("base64").slice(0, 20)])
        expect(sent).not.toContain(shape)
  })

  test("keeps a user's stronger hash, and replaces a weaker one", async () => {
    for (const [algorithm, kept] of [
      ["sha512", "sha512"],
      ["md5", "sha256"],
    ] as const) {
      const shop = await account(server)
      const salt = Buffer.from([1, 2, 3, 4])
      const digest = createHash(algorithm).update(salt).update(shop.password).digest()
      await server.ask("PUT", `users/${shop.user}`, {
        password_hash: Buffer.concat([salt, digest]).toString("base64"),
        hashing_algorithm: `rabbit_password_hashing_${algorithm}`,
        tags: "",
      })
      const driver = shop.open()
      expect(await driver.preflight(versions(shop.old), soon())).not.toContainEqual(
        expect.objectContaining({ severity: "error" }),
      )
      const next = drafted(driver, "v2")
      await driver.apply(next, versions(shop.old, next), soon())
      expect(await shown(server, shop.user)).toMatchObject({
        hashing_algorithm: `rabbit_password_hashing_${kept}`,
      })
      expect([await driver.probe(next, soon()), await driver.probe(shop.old, soon())]).toEqual([
        "accepted",
        "refused",
      ])
    }
  })

  test("makes no user where there is none, and gives no version to another", async () => {
    const shop = await account(server)
    const driver = shop.open()
    const next = drafted(driver, "v2")
    await server.ask("DELETE", `users/${shop.user}`)
    expect(await errorOf(driver.apply(next, versions(shop.old, next), soon()))).toMatchObject({
      code: "account-missing",
    })
    expect((await server.api("GET", `users/${shop.user}`)).status).toBe(404)
    const other = credential("v2", "another", passwordIn(next))
    expect(await errorOf(driver.apply(other, versions(), soon()))).toMatchObject({
      code: "user-differs",
    })
  })

  test("a name of any characters is one part of the path", async () => {
    for (const user of ["a/b?c#d%e", "über shop", "a:b", "/"]) {
      await server.user(user, "old-password-of-the-shop")
      const old = credential("v1", user, "old-password-of-the-shop")
      const driver = open(server, { user })
      const next = drafted(driver, "v2")
      await driver.apply(next, versions(old, next), soon())
      expect(await driver.probe(next, soon())).toBe("accepted")
    }
  })

  test("what it had can be read, put back and judged, unless it is in use", async () => {
    const shop = await account(server)
    const driver = shop.open()
    const fields = await driver.readInstalled?.(soon())
    expect(JSON.stringify(fields)).not.toContain(
      String((await shown(server, shop.user))["password_hash"]),
    )
    const stored = { version: "v0", fields: fields ?? {} }
    const next = drafted(driver, "v1")
    expect(await driver.probe(stored, soon())).toBe("accepted")
    await driver.apply(next, versions(undefined, next), soon())
    expect(await driver.probe(stored, soon())).toBe("refused")
    await driver.apply(stored, versions(undefined, next), soon())
    expect([await driver.probe(stored, soon()), await driver.probe(shop.old, soon())]).toEqual([
      "accepted",
      "accepted",
    ])
  })
})
