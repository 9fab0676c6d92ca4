import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { startServers } from "../../scripts/crash/servers.ts"
import { type Shop, type ShopOptions, openShop } from "../support/shop.ts"
import { type Call, threadsOf } from "../support/strace.ts"
import { cannotTrace, skippedUntraced } from "../support/tracing.ts"
import { durableWrites, expectDurable, lastBefore, traced } from "./order.ts"

/**
 * The same order for every service: what it is told had been made to last, in the state and in the
 * log, before it was told.
 */

let servers: Awaited<ReturnType<typeof startServers>>
beforeAll(async () => {
  if (cannotTrace !== undefined) return
  servers = await startServers()
}, 240_000)
afterAll(async () => {
  if (cannotTrace !== undefined) return
  await servers[Symbol.asyncDispose]()
})

/**
 * How a new value goes out, and how the old one is taken away, as strace prints it; undefined where
 * `apply` ends the old one.
 */
type Told = {
  readonly apply: RegExp
  readonly revoke?: RegExp /** Durable writes before the old value is taken away. */
  readonly writes?: number
}
const role: Told = { apply: / PASSWORD 'SCRAM-SHA-256\$/ }
const pair: Told = { ...role, revoke: / PASSWORD NULL/ }
const user: Told = {
  apply: /SETUSER\\r\\n.*\\r\\n#[0-9a-f]/,
  revoke: /SETUSER\\r\\n.*\\r\\n![0-9a-f]/,
}
const account: Told = {
  apply: /ALTER USER .* USING '\*[0-9A-F]{40}' OR /,
  revoke: /ALTER USER .* VIA mysql_native_password USING '\*[0-9A-F]{40}' \/\*/,
}
const queue: Told = { apply: /PUT \/api\/users\/\S+ HTTP.*password_hash/ }
const program: Told = {
  apply: /\\"verb\\":\\"apply\\"/,
  revoke: /\\"verb\\":\\"revoke\\"/,
  writes: 4,
}

const rotations: readonly (readonly [string, () => ShopOptions, Told])[] = [
  ["a role without an admin", () => ({}), role],
  ["a pair of roles", () => ({ pair: true }), pair],
  ["an account of MariaDB", () => ({ mariadb: servers.mariadb }), account],
  ["a user of RabbitMQ", () => ({ rabbitmq: servers.rabbitmq }), queue],
  ["a user of Redis", () => ({ redis: servers.redis }), user],
  ["a program", () => ({ exec: servers.keys }), program],
]
const initialValues: readonly (readonly [string, () => ShopOptions, Told])[] = [
  ["a role", () => ({ admin: true, empty: true }), role],
  ["a pair of roles", () => ({ pair: true, empty: true }), pair],
  [
    "an account of MariaDB",
    () => ({ mariadb: servers.mariadb, empty: true }),
    { apply: /ALTER USER .* USING '\*[0-9A-F]{40}'/ },
  ],
  ["a user of RabbitMQ", () => ({ rabbitmq: servers.rabbitmq, empty: true }), queue],
  ["a user of Redis", () => ({ redis: servers.redis, empty: true }), user],
  ["a program", () => ({ exec: servers.keys, empty: true }), program],
]

describe.skipIf(cannotTrace !== undefined)(
  `the order of system calls, service by service${skippedUntraced}`,
  () => {
    test.each(rotations)(
      "%s learns a value, and loses the old one, only after the state lasts",
      async (_, options, told) => {
        await using shop = await openShop(servers.postgres, options())
        await shop.adopt()
        const calls = await traced(shop, 0)
        expectWrittenFirst(calls, shop, told)
        if (told.revoke === undefined) return
        const revoked = said(calls, told.revoke)[0]
        if (revoked === undefined) throw new Error("nothing was revoked")
        const states = durableWrites(calls, shop.project.statePath())
        const shown = durableWrites(calls, shop.project.path(".env"))[0]
        if (shown === undefined) throw new Error("nothing was delivered")
        // generate, verdicts, promote, and where the program runs that takes it away: the last one
        // lasts, and the file too.
        expect(states.filter(({ rename }) => rename.entered < revoked.entered).length).toBe(
          told.writes ?? 3,
        )
        expectDurable(lastBefore(states, revoked), revoked)
        expectDurable(shown, revoked)
      },
      60_000,
    )

    test.each(initialValues)(
      "%s learns a first value only after the state lasts, its folders too",
      async (_, options, told) => {
        await using shop = await openShop(servers.postgres, options())
        const { code } = await shop.run("init")
        expect(code).toBe(0)
        const calls = await traced(shop, 0, ["rotate-now", "production", "--new"])
        expectWrittenFirst(calls, shop, told)
        const sent = said(calls, told.apply)[0]
        for (const folder of [
          shop.project.store,
          `${shop.project.store}/secrets`,
          shop.project.home,
        ]) {
          const synced = calls.find(
            ({ name, args, result, returned }) =>
              name === "fsync" &&
              args.includes(`<${folder}>`) &&
              result === "0" &&
              returned < (sent?.entered ?? 0),
          )
          expect({ folder, synced: synced !== undefined }).toEqual({ folder, synced: true })
        }
      },
      60_000,
    )

    test("what a killed run may have renamed and not synced lasts before a service is asked anything", async () => {
      await using shop = await openShop(servers.postgres)
      await shop.adopt()
      const calls = await traced(shop, 0)
      const asked = said(calls, /user\\0shop_/)[0]
      for (const folder of [shop.project.stateFolder, shop.project.folder]) {
        const synced = calls.find(
          ({ name, args, result }) =>
            name === "fsync" && args.includes(`<${folder}>`) && result === "0",
        )
        expect({
          folder,
          first: (synced?.returned ?? Number.POSITIVE_INFINITY) < (asked?.entered ?? 0),
        }).toEqual({ folder, first: true })
      }
    }, 60_000)

    test("what is adopted lasts before anybody hears of it", async () => {
      await using shop = await openShop(servers.postgres, { two: true })
      expect((await shop.run("init")).code).toBe(0)
      const calls = await traced(shop, 0, ["adopt", "production"])
      const heard = said(calls, /production\/postgres: adopted/)[0]
      if (heard === undefined) throw new Error("no service received it")
      expectDurable(lastBefore(durableWrites(calls, shop.project.statePath()), heard), heard)
    }, 60_000)
  },
)

function expectWrittenFirst(calls: readonly Call[], shop: Shop, { apply }: Told): void {
  const [sent, ...more] = said(calls, apply)
  if (sent === undefined) throw new Error("no value went out")
  expect(more).toEqual([])
  const states = durableWrites(calls, shop.project.statePath())
  expectDurable(lastBefore(states, sent), sent)
  const audit = shop.project.auditPath()
  const line = calls.find(
    ({ name, args }) =>
      name === "write" && args.includes(audit) && args.includes('\\"event\\":\\"generate\\"'),
  )
  const synced = calls.find(
    ({ name, args, entered }) =>
      name === "fdatasync" &&
      args.includes(audit) &&
      entered > (line?.returned ?? Number.POSITIVE_INFINITY),
  )
  expect(synced?.returned ?? Number.POSITIVE_INFINITY).toBeLessThan(sent.entered)
}

/** What our own threads said, to a server, a program or a person. */
function said(calls: readonly Call[], what: RegExp): readonly Call[] {
  const threads = threadsOf(calls)
  return calls.filter(
    ({ pid, name, args }) => threads.has(pid) && /^(?:send|write)/.test(name) && what.test(args),
  )
}
