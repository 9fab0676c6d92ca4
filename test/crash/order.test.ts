import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, openShop } from "../support/shop.ts"
import { type Call, pathsIn } from "../support/strace.ts"
import { cannotTrace, skippedUntraced } from "../support/tracing.ts"
import { draftOf, durableWrites, expectDurable, lastBefore, traced } from "./order.ts"

/**
 * SIGKILL does not test fsync, for the page cache survives it. So the order is read from the system
 * calls of one rotation: what a crash of the machine must find on the disk had been synced, file
 * and folder, before anybody outside was told.
 */

let server: PostgresServer
let shop: Shop
let calls: readonly Call[] = []

beforeAll(async () => {
  if (cannotTrace !== undefined) return
  server = await startPostgres()
  shop = await openShop(server, { two: true, admin: true })
  await shop.adopt()
  calls = await traced(shop, 0)
}, 60_000)
afterAll(async () => {
  if (cannotTrace !== undefined) return
  await shop[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

describe.skipIf(cannotTrace !== undefined)(
  `the order of system calls in a rotation${skippedUntraced}`,
  () => {
    test("the new value is in the state, synced and renamed and its folder synced, before ALTER ROLE is sent", () => {
      const sent = only(handedOver(calls))
      const write = lastBefore(durableWrites(calls, shop.project.statePath()), sent)
      expectDurable(write, sent)
      // Nothing of the state is left half done: no other write of it is under way when the value goes out.
      expect(
        calls.filter(
          (call) =>
            pathsIn(call.args).some((path) => path === draftOf(shop.project.statePath())) &&
            call.entered < sent.entered &&
            call.returned > sent.entered,
        ),
      ).toEqual([])
    })

    test("the audit log has the generate line, synced, before ALTER ROLE is sent", () => {
      const sent = only(handedOver(calls))
      const audit = shop.project.auditPath()
      const line = only(
        calls.filter(
          (call) =>
            call.name === "write" &&
            pathsIn(call.args)[0] === audit &&
            call.args.includes('\\"event\\":\\"generate\\"') &&
            call.entered < sent.entered,
        ),
      )
      const synced = calls.find(
        (call) =>
          /^f(data)?sync$/.test(call.name) &&
          pathsIn(call.args)[0] === audit &&
          call.entered > line.returned,
      )
      expect(synced?.returned ?? Number.POSITIVE_INFINITY).toBeLessThan(sent.entered)
    })

    test("what a way back restores is durable before the first output is renamed", () => {
      const first = calls.find(
        (call) =>
          call.name.startsWith("rename") && pathsIn(call.args).at(-1) === shop.project.path(".env"),
      )
      const sent = only(handedOver(calls))
      if (first === undefined) throw new Error("no output was renamed")
      const write = lastBefore(durableWrites(calls, shop.project.statePath()), first)
      expect(write.rename.entered).toBeGreaterThan(sent.entered)
      expectDurable(write, first)
    })

    test.each([".env", "session.env"])(
      "%s is drafted and synced, then renamed, then its folder synced, before a program is started",
      (name) => {
        const write = only(durableWrites(calls, shop.project.path(name)))
        const restart = calls.find(
          (call) => call.name === "vfork" && call.entered > write.rename.entered,
        )
        if (restart === undefined) throw new Error("no program was started")
        expectDurable(write, restart)
      },
    )

    test.each([".env", "session.env"])(
      "%s is drafted before ALTER ROLE is sent: nothing can go wrong with it while programs cannot log in",
      (name) => {
        const sent = only(handedOver(calls))
        const draft = draftOf(shop.project.path(name))
        const renamed = calls.find(
          (call) => call.name.startsWith("rename") && pathsIn(call.args)[0] === draft,
        )
        // The draft that is renamed in the end is the last that was synced before.
        const synced = calls.findLast(
          (call) =>
            call.name === "fsync" &&
            pathsIn(call.args)[0] === draft &&
            call.entered < (renamed?.entered ?? 0),
        )
        expect(synced?.returned ?? Number.POSITIVE_INFINITY).toBeLessThan(sent.entered)
      },
    )

    describe("that goes back", () => {
      let back: readonly Call[] = []
      let file = ""
      let state = ""
      beforeAll(async () => {
        await using unhealthy = await openShop(server)
        await unhealthy.adopt()
        unhealthy.sicken()
        back = await traced(unhealthy, 1)
        file = unhealthy.project.path(".env")
        state = unhealthy.project.statePath()
      }, 60_000)

      test("says so durably before the server is given the old value again", () => {
        const [, second] = handedOver(back)
        const [delivered] = durableWrites(back, file)
        if (second === undefined || delivered === undefined) throw new Error("it did not go back")
        const started = back.filter(
          (call) =>
            call.name === "vfork" &&
            call.entered > delivered.rename.returned &&
            call.entered < second.entered,
        )
        const turned = lastBefore(durableWrites(back, state), second)
        // After the last look at the program's health, and before any act in the new direction.
        expect(turned.rename.entered).toBeGreaterThan(
          started.at(-1)?.returned ?? Number.POSITIVE_INFINITY,
        )
        expectDurable(turned, second)
      })

      test("has the server first, then the file, then the program", () => {
        const [, second] = handedOver(back)
        const [, restored] = durableWrites(back, file)
        if (second === undefined || restored === undefined) throw new Error("it did not go back")
        expect(second.returned).toBeLessThan(restored.rename.entered)
        const restart = back.find((call) => call.name === "vfork" && call.entered > second.returned)
        if (restart === undefined) throw new Error("no program was started")
        expectDurable(restored, restart)
      })
    })

    test("every draft is private from its first instant, and never follows a link", () => {
      const opened = calls.filter(
        (call) =>
          call.name === "openat" &&
          /mycelium-(draft|reserve)/.test(call.args) &&
          call.args.includes("O_CREAT"),
      )
      expect(opened.length).toBeGreaterThan(4)
      for (const { args } of opened) expect(args).toMatch(/O_EXCL.*O_NOFOLLOW.*, 0600$/)
    })
  },
)

/** The statements that tell the server the new value, on its socket (our talk on stderr is a socket too). */
function handedOver(calls: readonly Call[]): readonly Call[] {
  return calls.filter(
    ({ name, args }) => /^(send|write)/.test(name) && args.includes(" PASSWORD 'SCRAM-SHA-256$"),
  )
}

function only<T>(found: readonly T[]): T {
  const [one] = found
  if (one === undefined || found.length !== 1)
    throw new Error(`${found.length} found, one expected`)
  return one
}
