import { afterAll, beforeAll, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { bun } from "../support/running.ts"
import { type Relay, startRelay } from "../support/relay.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { configOf, openShop, type Shop, type ShopOptions } from "../support/shop.ts"
import { until } from "../support/until.ts"

/**
 * A role that may have one session, and a program that takes it as soon as it is restarted: the
 * login that proves the new value must have left by then.
 */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

type OneSeat = AsyncDisposable & { readonly shop: Shop; readonly logins: () => readonly string[] }

/** Adopted; the program runs, and is told of a new value by a signal. */
async function openOneSeat(options: ShopOptions): Promise<OneSeat> {
  const shop = await openShop(server, options)
  const { project, role } = shop
  await server.sql(`alter role ${role} connection limit 1`)
  const config = configOf(shop)
  project.configure({
    ...config,
    environments: {
      production: {
        ...config.environments["production"],
        deployments: {
          api: {
            signal: { pid_file: "api.pid", name: "HUP" },
            reads: [".env"],
            // It has logged in and out again: what the rotation asks next finds the seat free.
            healthy: { command: ["./health-api"], within: "10s" },
          },
        },
      },
    },
  })
  const path = new URL("../support/one-seat-program.ts", import.meta.url).pathname
  const child = Bun.spawn([bun, path, String(server.port), role], {
    cwd: project.folder,
    stdio: ["ignore", "inherit", "inherit"],
  })
  try {
    await until("the program runs", () => existsSync(project.path("api.pid")))
    await shop.adopt()
  } catch (error) {
    child.kill("SIGKILL")
    throw error
  }
  return {
    shop,
    logins: () => (project.has("api.logins") ? project.read("api.logins").trim().split("\n") : []),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL")
      await child.exited
      await shop[Symbol.asyncDispose]()
    },
  }
}

test.each([
  ["changes its own password", false],
  ["has an admin", true],
] as const)("a role of one session that %s: the program finds its seat free", async (_, admin) => {
  await using one = await openOneSeat({ admin })
  const rotations = 5
  for (let count = 0; count < rotations; count++) {
    const ran = await one.shop.run("rotate-now", "production")
    expect([ran.code, ran.stderr]).toEqual([0, expect.not.stringContaining("too many")])
  }
  expect(one.logins()).toEqual(Array.from({ length: rotations }, () => "in"))
})

test("a server that is slow to see the proving login leave delays the restart, not the file", async () => {
  await using relay = await startRelay(server.port)
  await using one = await openOneSeat({
    admin: true,
    secret: { address: `postgresql://127.0.0.1:${relay.port}/postgres` },
  })
  const { project } = one.shop
  const before = project.read(".env")
  const held = holdGoodbye(relay, async () => {
    await until("the file shows the new value", () => project.read(".env") !== before)
    // Long enough for a restart that does not wait for it.
    await until("the program is restarted too early", () => one.logins().length > 0, 300).catch(
      () => undefined,
    )
    return one.logins().length
  })
  const ran = await one.shop.run("rotate-now", "production")
  expect({ code: ran.code, early: await held.logins, logins: one.logins() }).toEqual({
    code: 0,
    early: 0,
    logins: ["in"],
  })
})

/** The login after the ALTER ROLE stays until `meanwhile` is over. */
function holdGoodbye(
  relay: Relay,
  meanwhile: () => Promise<number>,
): { readonly logins: Promise<number> } {
  const logins = Promise.withResolvers<number>()
  let stage: "before" | "changed" | "held" = "before"
  relay.watch(async (sent): Promise<"pass"> => {
    if (/alter role/i.test(sent)) stage = "changed"
    else if (stage === "changed" && sent === "X\0\0\0\x04") {
      stage = "held"
      await meanwhile().then(logins.resolve, logins.reject)
    }
    return "pass"
  })
  return { logins: logins.promise }
}
