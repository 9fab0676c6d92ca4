import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Host } from "../../../../src/base/system/host.ts"
import { settleMs, SettledWatch } from "../../../../src/plugins/drivers/rabbitmq/settle.ts"
import { errorOf } from "../../../support/error-of.ts"
import { startRelay } from "../../../support/relay.ts"
import { type RabbitmqServer, startRabbitmq } from "../../../support/servers/rabbitmq.ts"
import { host } from "../conformance/harness.ts"
import { account, drafted, soon, versions } from "./harness.ts"

/** A clock in hand: a pause makes it pass. */
function clock(): { readonly host: Host; readonly paused: number[] } {
  let now = 0
  const paused: number[] = []
  const pause = (ms: number): Promise<void> => {
    now += ms
    paused.push(ms)
    return Promise.resolve()
  }
  return { host: { ...host, monotonicMs: () => now, pause }, paused }
}

describe("settle()", () => {
  test("waits once, from when the server answers, and again after a change that failed", async () => {
    const { host: hand, paused } = clock()
    const watch = new SettledWatch(hand)
    let asked = 0
    const ask = async (): Promise<void> => void asked++
    for (let times = 0; times < 3; times++) expect(await watch.settle(ask, soon())).toBe(true)
    expect([asked, paused]).toEqual([1, [settleMs]])
    expect(await watch.act(() => Promise.resolve("done"))).toBe("done")
    await watch.settle(ask, soon())
    expect([asked, paused]).toEqual([1, [settleMs]])
    await watch.act(() => Promise.reject(new Error("cut off"))).catch(() => undefined)
    await watch.settle(ask, soon())
    expect([asked, paused]).toEqual([2, [settleMs, settleMs]])
  })

  test("is not done while the server does not answer, nor at the deadline", async () => {
    const watch = new SettledWatch(clock().host)
    const silent = watch.settle(() => Promise.reject(new Error("no answer")), soon())
    expect(await silent.catch((error: unknown) => String(error))).toContain("no answer")
    expect(await watch.settle(() => Promise.resolve(), AbortSignal.abort())).toBe(false)
  })
})

describe("at a real server", () => {
  let server: RabbitmqServer
  beforeAll(async () => {
    server = await startRabbitmq()
  }, 60_000)
  afterAll(() => server[Symbol.asyncDispose]())

  test("a change whose answer was lost is found after it, and never sent twice", async () => {
    const shop = await account(server)
    await using relay = await startRelay(server.port)
    let changes = 0
    relay.watch((sent) => {
      if (!sent.startsWith("PUT ")) return "pass"
      changes++
      return "lose"
    })
    const driver = shop.open({ address: `http://127.0.0.1:${relay.port}` })
    const next = drafted(driver, "v2")
    const about = versions(shop.old, next)
    expect(await errorOf(driver.apply(next, about, soon()))).toMatchObject({ code: "unreachable" })
    expect(await driver.settle([next, shop.old], soon())).toBe(true)
    expect([await driver.probe(next, soon()), await driver.probe(shop.old, soon())]).toEqual([
      "accepted",
      "refused",
    ])
    await driver.apply(next, about, soon())
    expect(changes).toBe(1)
  })
})
