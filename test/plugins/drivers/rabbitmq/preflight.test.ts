import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { errorOf } from "../../../support/error-of.ts"
import { type RabbitmqServer, startRabbitmq } from "../../../support/servers/rabbitmq.ts"
import { account, codes, credential, drafted, open, soon, versions } from "./harness.ts"

let server: RabbitmqServer
beforeAll(async () => {
  server = await startRabbitmq()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose]())

describe("preflight() of the admin", () => {
  const as = (user: string): object => ({ admin: { user, password: { env: "ADMIN" } } })

  test.each(["", "management", "monitoring", "policymaker"])(
    "with the tags %j may not change a user, and apply is refused the same",
    async (tags) => {
      const [shop, admin] = [await account(server), await account(server, tags)]
      const driver = open(server, { user: shop.user, ...as(admin.user) }, admin.password)
      expect(await codes(driver, versions(shop.old))).toEqual(["error not-permitted"])
      const [finding] = await driver.preflight(versions(shop.old), soon())
      expect(finding?.remedy).toContain("rabbitmqctl set_user_tags")
      expect(
        await errorOf(driver.apply(drafted(driver, "v2"), versions(shop.old), soon())),
      ).toMatchObject({ code: "not-permitted" })
    },
  )

  test("that may use virtual hosts has too much; one of its own, as advised, is enough", async () => {
    const shop = await account(server)
    const found = await shop.open().preflight(versions(shop.old), soon())
    expect(found).toMatchObject([{ code: "admin-too-powerful", severity: "warning" }])
    expect(found[0]?.remedy).toContain(
      "rabbitmqctl add_user mycelium PASSWORD; rabbitmqctl set_user_tags mycelium administrator;",
    )
    for (const line of found[0]?.remedy?.match(/rabbitmqctl [^;]+/g) ?? [])
      await server.rabbitmqctl(...line.replace("PASSWORD", "made-for-this").split(" ").slice(1))
    const driver = open(server, { user: shop.user, ...as("mycelium") }, "made-for-this")
    expect(await driver.preflight(versions(shop.old), soon())).toEqual([])
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(shop.old, next), soon())
    expect(await driver.probe(next, soon())).toBe("accepted")
  }, 60_000)

  test("with a wrong password is a finding; no answer is not", async () => {
    const shop = await account(server)
    const driver = open(server, { user: shop.user }, "wrong")
    expect(await codes(driver, versions(shop.old))).toEqual(["error password-refused"])
    const gone = open(server, { user: shop.user, address: "http://127.0.0.1:1" })
    expect(await errorOf(gone.preflight(versions(), soon()))).toMatchObject({
      code: "unreachable",
      remedy: "retry",
    })
  })
})

describe("preflight() of the user", () => {
  const errors = async (...asked: Parameters<typeof codes>): Promise<readonly string[]> =>
    (await codes(...asked)).filter((one) => one.startsWith("error"))

  test("missing, of another version, drifted", async () => {
    const shop = await account(server)
    expect(await errors(open(server, { user: "nobody" }), versions())).toEqual([
      "error account-missing",
    ])
    expect(await errors(shop.open(), versions(credential("v1", "another", "x")))).toEqual([
      "error user-differs",
    ])
    const [drift] = await shop
      .open()
      .preflight(versions(credential("v1", shop.user, "another")), soon())
    expect(drift).toMatchObject({ code: "current-refused", yields: true })
    expect(await errors(shop.open(), versions(shop.old))).toEqual([])
  })

  test("without a connection to open: a containment goes on, and the remedy lets it in again", async () => {
    const shop = await account(server)
    await server.ask("PUT", `user-limits/${shop.user}/max-connections`, { value: 0 })
    const found = await shop.open().preflight(versions(shop.old), soon())
    expect(found[0]).toMatchObject({ code: "account-locked", severity: "error", yields: true })
    expect(found[0]?.silences).toBeUndefined()
    expect(await shop.open().probe(shop.old, soon())).toBe("accepted")
    const [line = ""] = found[0]?.remedy?.match(/rabbitmqctl .*/) ?? []
    await server.rabbitmqctl(...line.split(" ").slice(1))
    expect(await errors(shop.open(), versions(shop.old))).toEqual([])
  }, 60_000)

  test("hashed in a way that we do not know: a containment ends that", async () => {
    const shop = await account(server)
    const body = { password_hash: "AAAA", hashing_algorithm: "rabbit_password_hashing_other" }
    await server.ask("PUT", `users/${shop.user}`, { ...body, tags: "" })
    const driver = shop.open()
    const [found] = await driver.preflight(versions(shop.old), soon())
    expect(found).toMatchObject({
      code: "authentication-unsupported",
      yields: true,
      silences: true,
    })
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(shop.old, next), soon(), { contain: true })
    expect([await driver.probe(next, soon()), await driver.probe(shop.old, soon())]).toEqual([
      "accepted",
      "refused",
    ])
  })

  test.each(["missing", "closed", "full"])(
    "a virtual host that is %s: it is said, by a login too, and a containment goes on",
    async (vhost) => {
      const shop = await account(server)
      const code = vhost === "missing" ? "rabbitmq-vhost-missing" : "rabbitmq-vhost-closed"
      if (vhost !== "missing") await server.ask("PUT", `vhosts/${vhost}`)
      if (vhost === "full") {
        const all = { configure: ".*", write: ".*", read: ".*" }
        await server.ask("PUT", `permissions/full/${shop.user}`, all)
        await server.ask("PUT", "vhost-limits/full/max-connections", { value: 0 })
      }
      const driver = shop.open({ vhost })
      const [found] = await driver.preflight(versions(shop.old), soon())
      expect(found).toMatchObject({ code, severity: "error", yields: true })
      expect(found?.message).toContain(`virtual host ${vhost}`)
      const heard: string[] = []
      const answer = await driver.probe(shop.old, soon(), (one) => heard.push(one.code))
      expect([answer, ...heard]).toEqual(["accepted", code])
      expect(await errors(shop.open({ vhost: "/" }), versions(shop.old))).toEqual([])
    },
  )
})
