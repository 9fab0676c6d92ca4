import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { readFile } from "node:fs/promises"
import { connect as connectTcp } from "node:net"
import type { Credential, Driver } from "../../../../src/core/ports.ts"
import { type RedisServer, startRedis } from "../../../support/servers/redis.ts"
import { until } from "../../../support/until.ts"
import {
  credential,
  drafted,
  hash,
  hashesAt,
  hashesOf,
  old,
  oldPassword,
  open,
  ourName,
  passwordIn,
  peer,
  type Program,
  program,
  shopLine,
  soon,
  versions,
} from "./harness.ts"

/** What an earlier run has open when it changes something. */
async function earlierRun(
  server: RedisServer,
  port = server.port,
  name = ourName,
): Promise<Program> {
  const run = await program(port, server.admin.user, server.admin.password)
  await run.ask("CLIENT", "SETNAME", name)
  return run
}

let server: RedisServer
let driver: Driver
let pending: Credential
beforeEach(async () => {
  server = await startRedis({ acl: [shopLine] })
  driver = open(server)
  pending = drafted(driver, "v2")
})
afterEach(() => server[Symbol.asyncDispose]())

describe("settle() ends what an earlier run has under way", () => {
  test("connections by our name, and no others", async () => {
    using ours = await earlierRun(server)
    using second = await earlierRun(server)
    using anotherState = await earlierRun(server, server.port, "mycelium/production/redis#ffffffff")
    using another = await earlierRun(server, server.port, "mycelium/production/redis2#0a1b2c3d")
    using app = await program(server.port, "shop", oldPassword)
    expect(await driver.settle([pending, old], soon())).toBe(true)
    await until("ours to be ended", () => ours.ended() && second.ended())
    for (const one of [anotherState, another, app]) expect(await one.ask("PING")).toBe("+PONG\r\n")
    expect(await driver.settle([pending, old], soon())).toBe(true)
  })

  test("a command that is still on its way when it settles is never carried out", async () => {
    await using slow = await relay(server.port)
    using ours = await earlierRun(server, slow.port)
    slow.hold()
    ours.say("ACL", "SETUSER", "shop", `#${hash(passwordIn(pending))}`)
    await until("the command to be on its way", () => slow.held() > 0)
    expect(await driver.settle([pending, old], soon())).toBe(true)
    slow.release()
    await until("the end of its connection", () => ours.ended())
    expect(await driver.probe(pending, soon())).toBe("refused")
    expect(await hashesAt(server)).toEqual(hashesOf(old))
  })

  /**
   * A killed client's bytes lie in the socket of a server that is stopped. Whichever way they go
   * when it wakes: after `settle` the answer no longer changes. Redis reads in the order of
   * arrival, so in fact all of them are carried out.
   */
  test.each(["is killed", "is still there"])(
    "a server that was stopped: the client of its unread commands %s",
    async (how) => {
      const runs = await Promise.all(Array.from({ length: 40 }, () => earlierRun(server)))
      server.signal("SIGSTOP")
      runs.forEach((run, at) => {
        run.say("ACL", "SETUSER", "shop", `#${hash(String(at))}`)
        if (how === "is killed") run.socket.destroy()
      })
      const settling = driver.settle([pending, old], soon(10_000))
      await until("its connection to lie behind the others", () => isWaitedFor(server.port))
      server.signal("SIGCONT")
      expect(await settling).toBe(true)
      const then = await hashesAt(server)
      await until(
        "all of them to be gone",
        async () => !String(await server.command("CLIENT", "LIST")).includes(ourName),
      )
      expect(await hashesAt(server)).toEqual(then)
      expect(then).toHaveLength(41)
      for (const run of runs) run[Symbol.dispose]()
    },
  )

  test("throws while the server does not answer, so that nothing is decided", async () => {
    server.signal("SIGSTOP")
    await expect(driver.settle([pending, old], soon(300))).rejects.toMatchObject({
      code: "timeout",
      remedy: "retry",
    })
  })

  test("without an admin, false if none of our versions can log in", async () => {
    const own = open(server, { admin: undefined })
    expect(await own.settle([pending, credential("v1", "wrong")], soon())).toBe(false)
    expect(await own.settle([], soon())).toBe(false)
    await server.command("ACL", "SETUSER", "shop", "+@all")
    expect(await own.settle([pending, old], soon())).toBe(true)
  })
})

test("settle() writes down what a run that died had only told the server", async () => {
  await server.command("ACL", "SETUSER", "shop", `#${hash(passwordIn(pending))}`)
  expect(await driver.settle([pending, old], soon())).toBe(true)
  await server.restart("kill")
  expect(await hashesAt(server)).toEqual(hashesOf(old, pending))
  expect(await driver.probe(pending, soon())).toBe("accepted")
})

test("settle() adds nothing that no node has", async () => {
  await driver.settle([pending, old], soon())
  expect(await hashesAt(server)).toEqual(hashesOf(old))
  await driver.apply(pending, versions(old, pending), soon())
  await driver.settle([old], soon())
  expect(await hashesAt(server)).toEqual(hashesOf(old, pending))
})

/**
 * Is a connection waiting to be accepted? A listener's (0A) second queue counts them (proc(5),
 * /proc/net/tcp).
 */
async function isWaitedFor(port: number): Promise<boolean> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`
  const rows = (await readFile("/proc/net/tcp", "utf8"))
    .split("\n")
    .map((row) => row.trim().split(/\s+/))
  return rows.some(
    ([, address = "", , state, queues = ""]) =>
      address.endsWith(local) && state === "0A" && !queues.endsWith(":00000000"),
  )
}

/** A network between client and server that can keep what the client sends. */
async function relay(
  port: number,
): Promise<
  AsyncDisposable & { readonly port: number; hold(): void; held(): number; release(): void }
> {
  let holding = false
  const kept: (() => void)[] = []
  const between = await peer((socket) => {
    const behind = connectTcp({ host: "127.0.0.1", port })
    behind.on("error", () => undefined).on("close", () => socket.destroy())
    behind.on("data", (chunk) => void socket.write(chunk))
    socket.on("data", (chunk) => {
      if (holding) kept.push(() => void behind.write(chunk))
      else behind.write(chunk)
    })
    socket.on("close", () => {
      if (!holding) behind.destroy()
    })
  })
  return {
    port: between.port,
    hold: () => (holding = true),
    held: () => kept.length,
    release: () => kept.forEach((send) => send()),
    [Symbol.asyncDispose]: () => between[Symbol.asyncDispose](),
  }
}
