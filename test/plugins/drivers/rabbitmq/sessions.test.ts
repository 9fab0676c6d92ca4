import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Credential } from "../../../../src/core/ports.ts"
import { errorOf } from "../../../support/error-of.ts"
import { type RabbitmqServer, startRabbitmq } from "../../../support/servers/rabbitmq.ts"
import { until } from "../../../support/until.ts"
import {
  type Account,
  account,
  clockPasses,
  credential,
  drafted,
  passwordIn,
  program,
  soon,
  versions,
} from "./harness.ts"

let server: RabbitmqServer
beforeAll(async () => {
  server = await startRabbitmq()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose]())

async function rotated({ open, old }: Account): Promise<Credential> {
  const next = drafted(open(), "v2")
  return { ...next, ...(await open().apply(next, versions(old, next), soon())) }
}

describe("sessions", () => {
  test("revoke() ends those of before alone, if it is asked to", async () => {
    const [shop, other] = [await account(server), await account(server)]
    using older = await program(server, shop)
    using others = await program(server, other)
    await clockPasses(server)
    const live = await rotated(shop)
    using younger = await program(server, { user: shop.user, password: passwordIn(live) })
    const revoke = (endSessions: boolean): Promise<unknown> =>
      Promise.resolve(shop.open().revoke(shop.old, live, { endSessions }, soon()))
    expect(await revoke(false)).toEqual({ sessionsEnded: 0 })
    expect(older.ended()).toBe(false)
    expect(await revoke(true)).toMatchObject({ sessionsEnded: 1 })
    await until("the older one to end", () => older.ended())
    expect([younger.ended(), others.ended()]).toEqual([false, false])
    expect(await revoke(true)).toMatchObject({ sessionsEnded: 0 })
  }, 60_000)

  test("revokeOthers() takes back what another person has set, and ends sessions that used it", async () => {
    const shop = await account(server)
    const live = await rotated(shop)
    await server.ask("PUT", `users/${shop.user}`, { password: "an-intruder-knows-it", tags: "" })
    using intruder = await program(server, { user: shop.user, password: "an-intruder-knows-it" })
    expect(await shop.open().revokeOthers?.(live, soon())).toMatchObject({ sessionsEnded: 1 })
    await until("the intruder to be out", () => intruder.ended())
    expect([
      await shop.open().probe(live, soon()),
      await shop.open().probe(credential("v0", shop.user, "an-intruder-knows-it"), soon()),
    ]).toEqual(["accepted", "refused"])
    expect(await shop.open().revokeOthers?.(live, soon(), 60_000)).toEqual({
      sessionsEnded: 0,
      notes: [],
    })
  }, 60_000)

  test("a login that an older password let in, and that opens nothing yet, is looked for again", async () => {
    const shop = await account(server)
    using slow = await program(server, shop, "waits")
    await clockPasses(server)
    const live = await rotated(shop)
    const first = await shop.open().revoke(shop.old, live, { endSessions: true }, soon())
    expect(first).toEqual({ sessionsEnded: 0, underWay: { inMs: 11_000, mostMs: 11_000 } })
    await slow.open()
    const ask = { endSessions: true, waitedMs: first.underWay?.mostMs ?? 0 }
    expect(await shop.open().revoke(shop.old, live, ask, soon())).toEqual({ sessionsEnded: 1 })
    await until("it to be out", () => slow.ended())
  }, 60_000)

  test("without a date none is ended, and a containment says so", async () => {
    const shop = await account(server)
    using open = await program(server, shop)
    const act = shop.open().revoke(shop.old, shop.old, { endSessions: true }, soon())
    expect(await errorOf(Promise.resolve(act))).toMatchObject({ code: "sessions-undated" })
    expect(await shop.open().revokeOthers?.(shop.old, soon())).toMatchObject({
      sessionsLeft: { code: "sessions-undated", hint: expect.stringContaining(shop.user) },
    })
    expect(open.ended()).toBe(false)
  }, 60_000)

  test("a user with a session has a value in use", async () => {
    const shop = await account(server)
    using _ = await program(server, shop)
    expect(await errorOf(Promise.resolve(shop.open().readInstalled?.(soon())))).toMatchObject({
      code: "value-exists",
    })
  }, 60_000)
})
