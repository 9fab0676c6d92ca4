import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { makeAuthority } from "../../../support/certificates.ts"
import { type RedisServer, startRedis } from "../../../support/servers/redis.ts"
import { codes, drafted, old, open, peer, shopLine, soon, versions } from "./harness.ts"

const authority = makeAuthority()
const other = makeAuthority("another authority")
let server: RedisServer
beforeAll(async () => {
  server = await startRedis({ acl: [shopLine], tls: authority.issue(["cache.test", "127.0.0.1"]) })
  await writeFile(join(server.folder, "ca.pem"), authority.certificate)
  await writeFile(join(server.folder, "other.pem"), other.certificate)
  await writeFile(join(server.folder, "nothing.pem"), "nothing")
})
afterAll(() => server[Symbol.asyncDispose]())

const through = (
  tls: Record<string, unknown> | undefined,
  port = server.port,
): ReturnType<typeof open> =>
  open(server, { address: `rediss://127.0.0.1:${port}`, ...(tls === undefined ? {} : { tls }) })

describe("rediss://", () => {
  test("takes the CA file of the config, relative to the config, with the address or the name given", async () => {
    for (const tls of [{ ca: "ca.pem" }, { ca: "ca.pem", name: "cache.test" }]) {
      expect(await through(tls).probe(old, soon())).toBe("accepted")
      expect(await codes(through(tls))).toEqual(["warning admin-too-powerful"])
    }
    const driver = through({ ca: "ca.pem" })
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(old, next), soon())
    await driver.revoke(next, old, { endSessions: false }, soon())
    expect(await driver.probe(next, soon())).toBe("refused")
  })

  test.each([
    ["another authority", { ca: "other.pem" }, "tls-unverified"],
    ["the system's authorities", undefined, "tls-unverified"],
    ["another name", { ca: "ca.pem", name: "other.test" }, "tls-unverified"],
    ["a CA file that is missing", { ca: "missing.pem" }, "tls-file-unreadable"],
    ["a CA file without a certificate", { ca: "nothing.pem" }, "tls-file-unreadable"],
  ])("refuses %s: a finding, and unknown to a probe", async (_, tls, code) => {
    expect(await codes(through(tls))).toEqual([`error ${code}`])
    expect(await through(tls).probe(old, soon())).toBe("unknown")
  })

  test("verifies although NODE_TLS_REJECT_UNAUTHORIZED=0", async () => {
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"
    try {
      expect(await codes(through({ ca: "other.pem" }))).toEqual(["error tls-unverified"])
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]
    }
  })

  test("sends a server without TLS nothing that is ours", async () => {
    await using plain = await startRedis({ acl: [shopLine] })
    // Redis takes a ClientHello for the beginning of a command and waits for the rest.
    await expect(
      through({ ca: "ca.pem" }, plain.port).preflight(versions(old), soon(300)),
    ).rejects.toMatchObject({ code: "timeout", hint: expect.stringContaining("TLS") })
    await using fake = await peer((socket) => void socket.once("data", () => socket.end("+OK\r\n")))
    expect(await through({ ca: "ca.pem" }, fake.port).probe(old, soon())).toBe("unknown")
    expect(fake.received()).not.toContain("AUTH")
  })

  test("meets its deadline in the middle of the handshake", async () => {
    await using silent = await peer(() => undefined)
    const began = performance.now()
    await expect(
      through({ ca: "ca.pem" }, silent.port).preflight(versions(old), soon(200)),
    ).rejects.toMatchObject({ code: "timeout" })
    expect(performance.now() - began).toBeLessThan(2000)
  })

  test("shows a certificate to a server that wants one, and says so where it has none", async () => {
    await using strict = await startRedis({
      acl: [shopLine],
      tls: { ...authority.issue(["127.0.0.1"]), ca: authority.certificate },
      config: { "tls-auth-clients": "optional" },
    })
    await strict.command("CONFIG", "SET", "tls-auth-clients", "yes")
    const own = authority.issue(["client"])
    await writeFile(join(server.folder, "own.pem"), own.certificate)
    await writeFile(join(server.folder, "own.key"), own.key)
    const admin = strict.admin.password
    const to = (tls: Record<string, unknown>): ReturnType<typeof open> =>
      open(
        server,
        { address: `rediss://127.0.0.1:${strict.port}`, tls: { ca: "ca.pem", ...tls } },
        admin,
      )
    expect(await codes(to({ certificate: "own.pem", key: "own.key" }))).toEqual([
      "warning admin-too-powerful",
    ])
    expect(await codes(to({}))).toEqual(["error tls-client-certificate"])
    expect(await codes(to({ certificate: "own.pem", key: "own.pem" }))).toEqual([
      "error tls-file-unreadable",
    ])
  })
})
