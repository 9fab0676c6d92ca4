import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { program } from "../plugins/drivers/postgres/harness.ts"
import { login } from "../support/login.ts"
import { json } from "../support/mycelium.ts"
import { versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, openShop } from "../support/shop.ts"
import { holdRestarts, start } from "../support/two-at-once.ts"
import { until } from "../support/until.ts"

/** A person edits the config while a rotation is under way: what was begun ends with what it began with. */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

/**
 * The config with another address, another file, another program, another length: nothing of what a
 * rotation began with.
 */
function edited(shop: Shop, number: number, port: number): object {
  const environment = {
    rotate_every: `${30 + number}d`,
    secrets: {
      postgres: {
        address: `postgresql://127.0.0.1:${port}/postgres`,
        role: shop.role,
        tags: [`edit${number}`],
      },
    },
    outputs: [
      { dotenv: `other${number}.env`, variables: { POSTGRES_PASSWORD: "{{ postgres.password }}" } },
    ],
    deployments: { [`program${number}`]: { command: ["./never"], reads: [`other${number}.env`] } },
  }
  return { project: "shop", environments: { production: environment } }
}

describe("a config that is edited while a rotation is under way", () => {
  test("a dry run looks at it as the command would end it: with the options that it began with", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    const restart = project.read("restart-api")
    project.script("restart-api", 'kill -9 "$PPID"', "exit 1")
    expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
    project.script("restart-api", ...restart.trim().split("\n").slice(1))
    // No program listens there, and the configured one is another.
    using nobody = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } })
    const port = nobody.port
    nobody.stop(true)
    project.configure(edited(shop, 1, port))
    const { plans } = json<{
      readonly plans: readonly { readonly unfinished: readonly object[] }[]
    }>(await shop.run("rotate-now", "production", "--dry-run", "--json"))
    const unfinished = plans[0]?.unfinished ?? []
    expect(unfinished).toHaveLength(1)
    expect(unfinished[0]).toMatchObject({ secrets: ["postgres"], restarts: ["api"] })
    expect(unfinished[0]).not.toHaveProperty("kept")
    const ran = json<{
      readonly reports: readonly {
        readonly recovered: Readonly<Record<string, { readonly kind: string }>>
      }[]
    }>(await shop.run("rotate-now", "production", "--json"))
    expect(ran.reports[0]?.recovered["postgres"]?.kind).toBe("rotated")
    expect(project.read("api.loaded")).toBe(project.read(".env"))
  }, 60_000)

  test("25 times, good and bad: the rotation, its kill and its recovery use the options that it began with", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    project.script("never", "touch never-ran", "exit 1")
    using elsewhere = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { open: (socket) => void (callers++, socket.end()), data: () => undefined },
    })
    let callers = 0
    holdRestarts(project)
    await using first = start(project, ["rotate-now", "production"])
    await until("the hook to begin", () => project.has("begun"))
    for (let number = 1; number <= 25; number++)
      project.configure(
        number % 5 === 0
          ? `environments: [ # edit ${number}`
          : edited(shop, number, elsewhere.port),
      )
    project.configure(edited(shop, 26, elsewhere.port))
    const made = shop.shown
    first.child.kill("SIGKILL")
    await first.child.exited
    project.write("go", "")

    const again = json<{
      readonly reports: readonly {
        readonly recovered: Readonly<Record<string, { readonly kind: string }>>
        readonly outcomes: object
      }[]
    }>(await shop.run("rotate-now", "production", "--json"))
    expect(again.reports[0]?.recovered["postgres"]?.kind).toBe("rotated")
    expect(again.reports[0]?.outcomes).toEqual({})
    expect([shop.shown, await shop.login(made), await shop.login(shop.old)]).toEqual([
      made,
      "in",
      "28P01",
    ])
    expect(project.read("api.loaded")).toBe(project.read(".env"))
    expect([project.has("never-ran"), project.has("other26.env")]).toEqual([false, false])
    expect(await versionsOf(project, "postgres")).toEqual([
      { id: "v1", stage: "previous", password: shop.old },
      { id: "v2", stage: "current", password: made },
    ])
    // The old value's death is asked of today's address, which is another server: it is not proven,
    // so it stays owed.
    expect(callers).toBeGreaterThan(0)

    project.configure({ ...edited(shop, 27, server.port) })
    // The output that the config names now was never written: a person has to render it.
    const ran = await shop.run("run", "--once")
    expect([ran.code, ran.stderr]).toEqual([7, expect.stringContaining("output-missing")])
    expect((await versionsOf(project, "postgres")).map(({ stage }) => stage)).toEqual([
      "retired",
      "current",
    ])
  }, 60_000)
})

test("an address that changed between a crash and the recovery is not asked what became of the rotation", async () => {
  await using other = await startPostgres()
  await using shop = await openShop(server)
  const { project } = shop
  await shop.adopt()
  // The new server has the same role with the old value, as a copy from before the rotation would.
  await other.sql(`create role ${shop.role} login password '${shop.old}'`)
  const config = project.read("mycelium.yaml")
  await using killed = start(project, ["rotate-now", "production"])
  {
    // A row lock keeps the ALTER ROLE under way: it lands when its client is dead already.
    await using client = await program(server, server.superuser, server.password)
    const held = Promise.withResolvers<undefined>()
    const transaction = client.begin(async (row) => {
      await row.unsafe(`select 1 from pg_authid where rolname = '${shop.role}' for update`)
      await until(
        "the ALTER ROLE waits",
        async () =>
          (
            await server.sql(
              `select 1 from pg_stat_activity where usename = '${shop.role}' and wait_event_type = 'Lock'`,
            )
          ).length === 1,
      )
      killed.child.kill("SIGKILL")
      await killed.child.exited
      project.configure(config.replaceAll(`:${server.port}/`, `:${other.port}/`))
      held.resolve(undefined)
    })
    await held.promise
    await transaction
  }
  expect(shop.shown).toBe(shop.old)

  const { stdout } = await shop.run("run", "--once", "--json")
  expect(stdout).toContain(
    '"message":"rotated","environment":"production","secret":"postgres","version":"v2"',
  )
  const made = shop.shown
  expect([await shop.login(made), await shop.login(shop.old)]).toEqual(["in", "28P01"])
  expect([await login(other, shop.role, made), await login(other, shop.role, shop.old)]).toEqual([
    "28P01",
    "in",
  ])
  // The death of the old value is asked of the new server, which still accepts it: it stays owed.
  expect(
    (await versionsOf(project, "postgres")).map(
      ({ id, stage, password }) => `${id} ${stage} ${password === made ? "new" : "old"}`,
    ),
  ).toEqual(["v1 previous old", "v2 current new"])
  // Back at the server that it knows, all comes to rest.
  project.configure(config)
  expect((await shop.run("run", "--once")).code).toBe(0)
  expect((await versionsOf(project, "postgres")).map(({ stage }) => stage)).toEqual([
    "retired",
    "current",
  ])
}, 60_000)
