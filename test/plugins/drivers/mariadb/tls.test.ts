import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { makeAuthority } from "../../../support/certificates.ts"
import { type MariadbServer, startMariadb } from "../../../support/servers/mariadb.ts"
import {
  type Account,
  account,
  codes,
  drafted,
  open,
  peer,
  relay,
  soon,
  versions,
} from "./harness.ts"

const authority = makeAuthority()
const other = makeAuthority("another authority")
let server: MariadbServer
let plain: MariadbServer
let shop: Account
beforeAll(async () => {
  server = await startMariadb({
    tls: { ...authority.issue(["db.test", "127.0.0.1"]), ca: authority.certificate },
  })
  plain = await startMariadb()
  shop = await account(server)
  await server.sql(`alter user '${shop.user}'@'%' require ssl`)
  const own = authority.issue(["client"])
  const files = {
    "ca.pem": authority.certificate,
    "other.pem": other.certificate,
    "nothing.pem": "nothing",
    "own.pem": own.certificate,
    "own.key": own.key,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(server.folder, name), text)
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await plain[Symbol.asyncDispose]()
})

/** A way to write 127.0.0.1 that is none of this machine's names to us, so it counts as another machine. */
const elsewhere = (port: number): string => `mariadb://127.1:${port}`

describe("TLS", () => {
  test("takes the CA file of the config, relative to the config, with the address or the name given", async () => {
    for (const tls of [{ ca: "ca.pem" }, { ca: "ca.pem", name: "db.test" }]) {
      expect(await shop.open({ tls }).probe(shop.old, soon())).toBe("accepted")
      expect(await codes(shop.open({ tls }), versions(shop.old))).toEqual([])
    }
    const driver = shop.open({ tls: { ca: "ca.pem" } })
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(shop.old, next), soon())
    await driver.revoke(next, shop.old, { endSessions: false }, soon())
    expect(await driver.probe(next, soon())).toBe("refused")
  })

  test.each([
    ["another authority", { ca: "other.pem" }, "tls-unverified"],
    ["the system's authorities", {}, "tls-unverified"],
    ["another name", { ca: "ca.pem", name: "other.test" }, "tls-unverified"],
    ["a CA file that is missing", { ca: "missing.pem" }, "tls-file-unreadable"],
    ["a CA file without a certificate", { ca: "nothing.pem" }, "tls-file-unreadable"],
  ])("refuses %s: a finding, and unknown to a probe", async (_, tls, code) => {
    expect(await codes(shop.open({ tls }), versions(shop.old))).toEqual([`error ${code}`])
    expect(await shop.open({ tls }).probe(shop.old, soon())).toBe("unknown")
  })

  test("verifies although NODE_TLS_REJECT_UNAUTHORIZED=0", async () => {
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"
    try {
      expect(await codes(shop.open({ tls: { ca: "other.pem" } }), versions(shop.old))).toEqual([
        "error tls-unverified",
      ])
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]
    }
  })

  test("is demanded off this machine without being asked for, and verified there", async () => {
    expect(await codes(shop.open({ address: elsewhere(server.port) }), versions(shop.old))).toEqual(
      ["error tls-unverified"],
    )
    expect(
      await codes(
        shop.open({ address: elsewhere(server.port), tls: { ca: "ca.pem" } }),
        versions(shop.old),
      ),
    ).toEqual(["error tls-unverified"])
    expect(
      await codes(
        shop.open({ address: elsewhere(server.port), tls: { ca: "ca.pem", name: "127.0.0.1" } }),
        versions(shop.old),
      ),
    ).toEqual([])
  })

  test("a server off this machine that offers none is sent nothing, unless the config says insecure", async () => {
    await using between = await relay(plain.port, "never said", () => Promise.resolve())
    const there = await account(plain)
    expect(
      await codes(there.open({ address: elsewhere(between.port) }), versions(there.old)),
    ).toEqual(["error tls-not-offered"])
    expect(await there.open({ address: elsewhere(between.port) }).probe(there.old, soon())).toBe(
      "unknown",
    )
    expect(between.received()).toBe("")
    expect(
      await there
        .open({ address: elsewhere(between.port), insecure: true })
        .probe(there.old, soon()),
    ).toBe("accepted")
  })

  test("meets its deadline if no server answers", async () => {
    await using silent = await peer(() => undefined)
    const began = performance.now()
    await expect(
      open(server, {
        user: "shop",
        address: `mariadb://127.0.0.1:${silent.port}`,
        tls: { ca: "ca.pem" },
      }).preflight(versions(), soon(200)),
    ).rejects.toMatchObject({ code: "timeout" })
    expect(performance.now() - began).toBeLessThan(2000)
  })

  test("shows a certificate if the account asks for one; without it the answer is unknown", async () => {
    const strict = await account(server)
    await server.sql(`alter user '${strict.user}'@'%' require x509`)
    const through = (more: object): Promise<string> =>
      strict.open({ tls: { ca: "ca.pem", ...more } }).probe(strict.old, soon())
    expect([await through({ certificate: "own.pem", key: "own.key" }), await through({})]).toEqual([
      "accepted",
      "unknown",
    ])
    expect(
      await codes(
        strict.open({ tls: { ca: "ca.pem", certificate: "own.pem", key: "own.pem" } }),
        versions(strict.old),
      ),
    ).toEqual(["error tls-file-unreadable"])
  })
})
