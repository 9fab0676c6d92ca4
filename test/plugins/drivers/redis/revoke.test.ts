import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import type { Credential, Driver } from "../../../../src/core/ports.ts"
import { type RedisServer, startRedis } from "../../../support/servers/redis.ts"
import { until } from "../../../support/until.ts"
import {
  credential,
  drafted,
  hashesAt,
  hashesOf,
  old,
  oldPassword,
  open,
  passwordIn,
  program,
  shopLine,
  soon,
  versions,
} from "./harness.ts"

let server: RedisServer
let driver: Driver
let next: Credential
beforeEach(async () => {
  server = await startRedis({ acl: [shopLine] })
  driver = open(server)
  next = drafted(driver, "v2")
})
afterEach(() => server[Symbol.asyncDispose]())

async function accept(): Promise<void> {
  const { acceptedAt } = await driver.apply(next, versions(old, next), soon())
  if (acceptedAt !== undefined) next = { ...next, acceptedAt }
}

const asked = { endSessions: true }
const notAsked = { endSessions: false }

async function ageOf(user: string): Promise<number> {
  const list = String(await server.command("CLIENT", "LIST"))
  return Number(
    list
      .split("\n")
      .find((line) => line.includes(`user=${user} `))
      ?.match(/ age=(\d+) /)?.[1] ?? -1,
  )
}

describe("revoke()", () => {
  test("takes the old password away, for good; again, it changes nothing", async () => {
    await accept()
    expect(await driver.revoke(old, next, notAsked, soon())).toEqual({ sessionsEnded: 0 })
    expect(await driver.revoke(old, next, notAsked, soon())).toEqual({ sessionsEnded: 0 })
    expect(await hashesAt(server)).toEqual(hashesOf(next))
    expect(await driver.probe(old, soon())).toBe("refused")
    expect(await driver.probe(next, soon())).toBe("accepted")
  })

  test("never takes away the last password that works", async () => {
    await expect(driver.revoke(old, next, notAsked, soon())).rejects.toMatchObject({
      code: "live-missing",
    })
    expect(await hashesAt(server)).toEqual(hashesOf(old))
  })

  test("the same password under two versions stays", async () => {
    await driver.revoke(credential("v0", oldPassword), old, notAsked, soon())
    expect(await hashesAt(server)).toEqual(hashesOf(old))
  })

  test("leaves passwords of others alone", async () => {
    await accept()
    await server.command("ACL", "SETUSER", "shop", ">others")
    await driver.revoke(old, next, notAsked, soon())
    expect(await hashesAt(server)).toEqual(hashesOf(next, credential("", "others")))
  })

  test("without an admin, logs in with the value that lives", async () => {
    await server.command("ACL", "SETUSER", "shop", "+@all")
    await accept()
    const own = open(server, { admin: undefined })
    await own.revoke(old, next, asked, soon())
    await own.revoke(old, next, asked, soon())
    expect(await hashesAt(server)).toEqual(hashesOf(next))
  })
})

describe("revoke() and sessions", () => {
  test("open connections outlive their password, unless asked to end; then the older ones end, and no others", async () => {
    using before = await program(server.port, "shop", oldPassword)
    using stranger = await program(server.port, server.admin.user, server.admin.password)
    // Ages are whole seconds: two of them are spared.
    await until("the connection to be old", async () => (await ageOf("shop")) >= 3)
    await accept()
    using after = await program(server.port, "shop", passwordIn(next))

    await driver.revoke(old, next, notAsked, soon())
    expect(await before.ask("PING")).toBe("+PONG\r\n")
    expect(await driver.revoke(old, next, asked, soon())).toEqual({ sessionsEnded: 1 })
    await until("it to be ended", () => before.ended())
    expect(await after.ask("PING")).toBe("+PONG\r\n")
    expect(await stranger.ask("PING")).toBe("+PONG\r\n")
    expect(await driver.revoke(old, next, asked, soon())).toEqual({ sessionsEnded: 0 })
  })

  test("a connection opened right after the value was accepted is never ended, however often it is asked", async () => {
    const programs = []
    for (let at = 0; at < 5; at++) {
      await accept()
      programs.push(await program(server.port, "shop", passwordIn(next)))
      await driver.revoke(old, next, asked, soon())
    }
    await until("some age", async () => (await ageOf("shop")) >= 3)
    const { acceptedAt: _, ...first } = next
    await driver.revoke(old, next, asked, soon())
    expect(programs.map(({ ended }) => ended())).toEqual([false, false, false, false, false])
    // It is not known since when: nothing is ended, but the password is gone.
    await expect(driver.revoke(old, first, asked, soon())).rejects.toMatchObject({
      code: "sessions-undated",
    })
    for (const one of programs) one[Symbol.dispose]()
    await until("them to be gone", async () => (await ageOf("shop")) === -1)
    expect(await driver.revoke(old, first, asked, soon())).toEqual({ sessionsEnded: 0 })
  })
})
