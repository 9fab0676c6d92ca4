import { AppError } from "../../../../src/base/error.ts"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { chmod } from "node:fs/promises"
import { join } from "node:path"
import { type RedisServer, startRedis } from "../../../support/servers/redis.ts"
import { until } from "../../../support/until.ts"
import {
  codes,
  credential,
  drafted,
  old,
  oldPassword,
  open,
  peer,
  program,
  shopLine,
  soon,
  versions,
} from "./harness.ts"
import { errorOf } from "../../../support/error-of.ts"

const off = "off-user off >Right-password.1 ~* +@all"
let server: RedisServer
beforeAll(async () => {
  server = await startRedis({
    acl: [shopLine, off, "anyone on nopass ~* +@all", "blind on >blind -@all", "bare on ~* +@all"],
  })
})
afterAll(() => server[Symbol.asyncDispose]())

describe("probe()", () => {
  test("the right password is accepted, a wrong one refused, with an admin and without", async () => {
    for (const driver of [open(server), open(server, { admin: undefined })]) {
      expect(await driver.probe(old, soon())).toBe("accepted")
      expect(await driver.probe(credential("v9", "wrong"), soon())).toBe("refused")
      expect(await driver.probe(credential("v9", ""), soon())).toBe("refused")
    }
  })

  test("a user that may do nothing at all is accepted: AUTH needs no right", async () => {
    expect(await open(server).probe(credential("v1", "blind", undefined, "blind"), soon())).toBe(
      "accepted",
    )
  })

  test("a user that is off, or missing, gets WRONGPASS for its right password: with an admin that is unknown", async () => {
    for (const user of ["off-user", "missing"]) {
      expect(
        await open(server).probe(credential("v1", "Right-password.1", undefined, user), soon()),
      ).toBe("unknown")
      expect(await open(server).probe(credential("v9", "wrong", undefined, user), soon())).toBe(
        "unknown",
      )
    }
    expect(
      await open(server, { admin: undefined }).probe(
        credential("v1", "Right-password.1", undefined, "off-user"),
        soon(),
      ),
    ).toBe("refused")
  })

  test("nopass takes anything: accepted, so that a wrong value shows it", async () => {
    expect(await open(server).probe(credential("v9", "wrong", undefined, "anyone"), soon())).toBe(
      "accepted",
    )
  })

  test("a user without a password refuses every one", async () => {
    expect(await open(server).probe(credential("v9", "wrong", undefined, "bare"), soon())).toBe(
      "refused",
    )
  })

  test("a refusal that the admin cannot confirm is no answer, and the reason is said", async () => {
    const blind = open(server, { admin: { user: "blind", password: { env: "X" } } }, "blind")
    for (const [driver, code] of [
      [open(server, {}, "wrong-admin"), "password-refused"],
      [blind, "not-permitted"],
    ] as const) {
      expect((await errorOf(driver.probe(credential("v9", "wrong"), soon()))).code).toBe(code)
    }
    expect(await open(server, {}, "wrong-admin").probe(old, soon())).toBe("accepted")
  })

  test("a version without a password is unknown", async () => {
    expect(await open(server).probe({ version: "v9", fields: { user: "shop" } }, soon())).toBe(
      "unknown",
    )
  })

  test("what answers but is no Redis, closes or is not there is unknown", async () => {
    await using web = await peer((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))
    await using mute = await peer((socket) => void socket.end())
    const gone = await peer(() => undefined)
    await gone[Symbol.asyncDispose]()
    for (const { port } of [web, mute, gone])
      expect(await open(server, { address: `redis://127.0.0.1:${port}` }).probe(old, soon())).toBe(
        "unknown",
      )
  })

  test("leaves no connection behind", async () => {
    await open(server).probe(old, soon())
    const list = String(await server.command("CLIENT", "LIST"))
    expect(list).not.toContain("user=shop")
  })
})

test("a server that is stopped, or hangs, is unknown within its deadline", async () => {
  await using own = await startRedis({ acl: [shopLine] })
  own.signal("SIGSTOP")
  const began = performance.now()
  expect(await open(own).probe(old, soon(300))).toBe("unknown")
  expect(performance.now() - began).toBeLessThan(3000)
  await expect(open(own).preflight(versions(old), soon(300))).rejects.toMatchObject({
    code: "timeout",
    remedy: "retry",
  })
  await own.stop()
  expect(await open(own).probe(old, soon())).toBe("unknown")
})

test("a server that is still loading its data answers a login", async () => {
  // A tenth of a second for each key.
  const config = {
    save: "3600 1",
    rdbcompression: "no",
    "key-load-delay": "100000",
    "loading-process-events-interval-bytes": "1024",
  }
  await using own = await startRedis({ acl: [shopLine], config })
  for (let at = 0; at < 100; at++) await own.command("SET", `k${at}`, "x".repeat(1200))
  await own.command("SAVE")
  await own.stop()
  // It resolves when all is loaded, which no test waits for.
  const started = own.start().catch(() => undefined)
  await until("a connection", () =>
    program(own.port, own.admin.user, own.admin.password).then(
      (one) => (one[Symbol.dispose](), true),
      () => false,
    ),
  )
  expect(await open(own).probe(old, soon())).toBe("accepted")
  expect(await open(own).probe(credential("v9", "wrong"), soon())).toBe("refused")
  using admin = await program(own.port, own.admin.user, own.admin.password)
  expect(await admin.ask("PING")).toStartWith("-LOADING")
  await own.stop("kill")
  await started
})

test("works over a unix socket", async () => {
  await using own = await startRedis({
    acl: [shopLine],
    config: { unixsocket: "redis.sock", unixsocketperm: "700" },
  })
  for (const address of [
    `unix:${join(own.folder, "redis.sock")}`,
    `redis://${join(own.folder, "redis.sock")}`,
  ]) {
    const driver = open(own, { address })
    expect(await codes(driver)).toEqual(["warning admin-too-powerful"])
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(old, next), soon())
    expect(await driver.probe(next, soon())).toBe("accepted")
    expect(await driver.probe(credential("v9", "wrong"), soon())).toBe("refused")
    await driver.revoke(next, old, { endSessions: false }, soon())
  }
  await chmod(own.folder, 0o700)
  expect(
    await open(own, { address: `unix:${join(own.folder, "none.sock")}` }).probe(old, soon()),
  ).toBe("unknown")
})

test("asks the server once for each node, and never again", async () => {
  let logins = 0
  await using counter = await peer((socket) => {
    logins++
    socket.on("data", () => void socket.write("-WRONGPASS no\r\n"))
  })
  expect(
    await open(server, { address: `redis://127.0.0.1:${counter.port}`, admin: undefined }).probe(
      credential("v1", oldPassword),
      soon(),
    ),
  ).toBe("refused")
  expect(logins).toBe(1)
})

test("an admin without rights is named, with the rule that gives them", async () => {
  await using bare = await startRedis({
    acl: [shopLine, "rotator on >Password.of.rotator.1 -@all"],
  })
  const admin = { user: "rotator", password: { env: "X" } }
  const driver = open(bare, { admin }, "Password.of.rotator.1")
  const wrong = credential("control", "a-random-wrong-value-of-the-test")
  const failed = await driver.probe(wrong, soon()).catch((error: unknown) => error)
  const hint = failed instanceof AppError ? (failed.hint ?? "") : ""
  expect({ hint, failed }).toMatchObject({
    failed: { code: "not-permitted" },
    hint: expect.stringMatching(/^ACL SETUSER rotator \+acl\|getuser .*\+time/),
  })
  await bare.command("ACL", "SETUSER", "rotator", ...hint.matchAll(/\+[a-z|]+/g).map(String))
  expect(await driver.probe(wrong, soon())).toBe("refused")
})
