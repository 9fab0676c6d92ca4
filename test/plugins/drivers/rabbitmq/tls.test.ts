import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { makeAuthority } from "../../../support/certificates.ts"
import { type RabbitmqServer, startRabbitmq } from "../../../support/servers/rabbitmq.ts"
import { account, codes, drafted, passwordIn, soon, versions } from "./harness.ts"

const authority = makeAuthority()
let server: RabbitmqServer
beforeAll(async () => {
  server = await startRabbitmq({ tls: authority.issue(["queue.test", "127.0.0.1"]) })
  await writeFile(join(server.folder, "ca.pem"), authority.certificate)
  await writeFile(join(server.folder, "other.pem"), makeAuthority("another").certificate)
}, 60_000)
afterAll(() => server[Symbol.asyncDispose]())

const through = (tls?: object): Readonly<Record<string, unknown>> => ({
  address: `https://127.0.0.1:${server.port}`,
  amqp: `amqps://127.0.0.1:${server.amqpPort}`,
  ...(tls === undefined ? {} : { tls }),
})

describe("https:// and amqps://", () => {
  test("take the CA file of the config, with the address or the name given", async () => {
    for (const tls of [{ ca: "ca.pem" }, { ca: "ca.pem", name: "queue.test" }]) {
      const shop = await account(server)
      const driver = shop.open(through(tls))
      expect(await codes(driver, versions(shop.old))).toEqual(["warning admin-too-powerful"])
      const next = drafted(driver, "v2")
      await driver.apply(next, versions(shop.old, next), soon())
      expect([await driver.probe(next, soon()), await driver.probe(shop.old, soon())]).toEqual([
        "accepted",
        "refused",
      ])
    }
  })

  test.each([
    ["another authority", { ca: "other.pem" }, "tls-unverified"],
    ["the system's authorities", undefined, "tls-unverified"],
    ["another name", { ca: "ca.pem", name: "other.test" }, "tls-unverified"],
    ["a CA file that is missing", { ca: "missing.pem" }, "tls-file-unreadable"],
  ])("refuse %s: a finding, and unknown to a probe", async (_, tls, code) => {
    const shop = await account(server)
    const driver = shop.open(through(tls))
    expect(await codes(driver, versions(shop.old))).toEqual([`error ${code}`])
    const heard: string[] = []
    expect(await driver.probe(shop.old, soon(), (why) => heard.push(why.code))).toBe("unknown")
    expect(heard).toEqual([code])
  })

  test("in clear to a port that speaks TLS: no answer, and nothing decided", async () => {
    const shop = await account(server)
    const driver = shop.open({
      ...through({ ca: "ca.pem" }),
      amqp: `amqp://127.0.0.1:${server.amqpPort}`,
    })
    const heard: string[] = []
    expect(
      await driver.probe(shop.old, soon(), ({ code, message }) => {
        heard.push(code)
        expect(message).not.toContain(passwordIn(shop.old))
      }),
    ).toBe("unknown")
    expect(heard).toHaveLength(1)
  })
})
