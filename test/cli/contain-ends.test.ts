import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs"
import {
  type End,
  type Kind,
  type Servers,
  change,
  contain,
  each,
  endOf,
  incident,
  kinds,
  open,
  secretOf,
  startServers,
  verdictsOf,
} from "../support/contain-ends.ts"
import { program } from "../plugins/drivers/exec/harness.ts"
import { startRelay } from "../support/relay.ts"
import { bun } from "../support/running.ts"
import { stateOf } from "../support/sealed.ts"
import { type Shop, type ShopOptions, configOf } from "../support/shop.ts"
import { holdRestarts, start } from "../support/two-at-once.ts"
import { until } from "../support/until.ts"

/**
 * The table of every way a containment can end: what the run, its exit code, --json, status, plan,
 * check and the report say must agree.
 */

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
}, 240_000)
afterAll(() => servers[Symbol.asyncDispose]())

/**
 * What a run says, and what the same command does once what stood in its way is mended (or at once,
 * where nothing did).
 */
type Row = { readonly end: End; readonly again: Awaited<ReturnType<typeof verdictsOf>> }
type Expected = readonly [end: End, again: string]

const yes: End = {
  exit: 0,
  last: `${incident}: contained`,
  why: "",
  told: "fine",
  report: "Contained: yes",
  reportExit: 0,
}
const unhealthy: End = { ...yes, exit: 5, why: "unhealthy" }
const left = (why: string): End => ({
  exit: 7,
  last: `${incident}: NOT all contained, 1 left`,
  why,
  told: "not contained",
  report: "Contained: NOT yet",
  reportExit: 7,
})
const owed: Expected = [
  {
    ...yes,
    exit: 5,
    last: `${incident}: contained; not all that programs read is written: that is owed, and named above`,
    why: "output-drift",
    told: "an output is owed",
  },
  "0 contained",
]
const newLogins = (why: string): End => ({
  ...yes,
  exit: 5,
  last: `${incident}: contained for new logins`,
  why,
  report: "Contained: yes, for new logins only",
})

const contained: Expected = [yes, "0 contained"]
const leftFor = (why: string): Expected => [left(why), "7 not-contained"]
const leftOnce = (why: string): Expected => [left(why), "0 contained"]

/** Every kind as `usual`, but for those that are named. */
function rows(
  usual: Expected,
  but: Partial<Record<Kind, Expected>> = {},
  of: readonly Kind[] = kinds,
): Readonly<Record<string, Expected>> {
  return Object.fromEntries(of.map((kind) => [kind, but[kind] ?? usual]))
}

const services = kinds.filter((kind) => kind !== "generated")
const intruders = "Intruders-own.1234567"
type Act = (shop: Shop, kind: Kind) => Promise<Row>

async function expectRows(
  expected: Readonly<Record<string, Expected>>,
  act: Act,
  more: (kind: Kind) => ShopOptions = () => ({}),
): Promise<void> {
  const found = await each(
    kinds.filter((kind) => expected[kind] !== undefined),
    async (kind) => {
      await using shop = await open(servers, kind, more(kind))
      const { end, again } = await act(shop, kind)
      return [end, `${again.exit} ${again.kind.join(" ")}`] as const
    },
  )
  expect(found).toEqual(expected as never)
}

/** Adopted; then `before` happens, and after the first run `mend`. */
function adopted(
  before: Act | ((shop: Shop, kind: Kind) => unknown),
  mend: (shop: Shop, kind: Kind) => unknown = () => undefined,
): Act {
  return async (shop, kind) => {
    await shop.adopt()
    await before(shop, kind)
    const end = await endOf(shop)
    await mend(shop, kind)
    return { end, again: await verdictsOf(shop) }
  }
}
async function never(shop: Shop): Promise<Row> {
  await shop.run("init")
  return { end: await endOf(shop), again: await verdictsOf(shop) }
}
function loginWith(shop: Shop, kind: Kind, password: string): Promise<string> {
  return kind === "generated"
    ? Promise.resolve("")
    : shop.service.login({ user: kind === "pair" ? `${shop.role}_blue` : shop.role, password })
}

describe("a containment ends", () => {
  test(
    "well",
    () =>
      expectRows(
        rows(contained),
        adopted(() => undefined),
      ),
    200_000,
  )

  test(
    "well, though it was never adopted: what its output shows works, and is taken over first",
    () =>
      expectRows(rows(contained), async (shop, kind) => {
        const row = await never(shop)
        expect(await loginWith(shop, kind, shop.old)).not.toBe("in")
        const state = (await stateOf(shop.project))?.secrets[secretOf[kind]]
        expect({
          kind,
          versions: state?.versions.map(({ id, stage }) => `${id} ${stage.kind}`),
        }).toEqual({ kind, versions: ["v1 retired", "v2 current"] })
        return row
      }),
    200_000,
  )

  const unknown = {
    role: leftFor("value-unknown"),
    "exec, two values": leftFor("value-unknown"),
    "exec, one value": [newLogins("sessions-out-of-reach"), "5 contained-for-new-logins"],
  } as const
  test(
    "of one that was never adopted and whose output shows a dead value: by an admin, or it is left",
    () =>
      expectRows(rows(contained, unknown), async (shop, kind) => {
        await change(servers, kind, shop, intruders)
        const row = await never(shop)
        expect([kind, (await loginWith(shop, kind, intruders)) === "in"]).toEqual([
          kind,
          row.end.exit === 7,
        ])
        // What only the file held is sealed before it is overwritten.
        if (row.end.exit === 7) expect(shop.project.read(".env")).toContain(shop.old)
        else
          expect(
            (await stateOf(shop.project))?.secrets[secretOf[kind]]?.versions.map(({ id }) => id),
          ).toEqual(["v1", "v2"])
        return row
      }),
    200_000,
  )

  test(
    "of one that was never adopted and that no output shows: by an admin, or it is left",
    () =>
      expectRows(
        rows(contained, unknown),
        async (shop, kind) => {
          await change(servers, kind, shop, intruders)
          expect((await shop.run("init")).code).toBe(0)
          // Said beforehand, too.
          const dry = await shop.run("rotate-now", "production", "--contain", "--dry-run")
          const row = await never(shop)
          expect([kind, dry.code, dry.stdout.includes("(value-unknown)")]).toEqual([
            kind,
            row.end.exit === 7 ? 1 : 0,
            row.end.exit === 7,
          ])
          expect([kind, (await loginWith(shop, kind, intruders)) === "in"]).toEqual([
            kind,
            row.end.exit === 7,
          ])
          return row
        },
        () => ({ empty: true }),
      ),
    200_000,
  )

  test(
    "of one whose versions are all kept, after a reconcile: by an admin, or it is left",
    () =>
      expectRows(rows(contained, unknown, services), async (shop, kind) => {
        const { project } = shop
        await shop.adopt()
        copyFileSync(project.statePath(), project.path("state.backup"))
        expect((await shop.run("rotate-now", "production", "--json")).code).toBe(0)
        copyFileSync(project.path("state.backup"), project.statePath())
        await change(servers, kind, shop, intruders)
        expect((await shop.run("reconcile", "production")).code).toBe(7)
        expect(
          (await stateOf(project))?.secrets[secretOf[kind]]?.versions.every(
            ({ stage }) => stage.kind === "retired",
          ),
        ).toBe(true)
        const row = { end: await endOf(shop), again: await verdictsOf(shop) }
        expect([kind, (await loginWith(shop, kind, intruders)) === "in"]).toEqual([
          kind,
          row.end.exit === 7,
        ])
        return row
      }),
    300_000,
  )

  test(
    "of one whose service refuses the current value: by an admin, or it is left",
    () =>
      expectRows(
        rows(
          contained,
          { role: leftFor("password-refused"), "exec, two values": leftFor("current-refused") },
          services,
        ),
        adopted((shop, kind) => change(servers, kind, shop, intruders)),
      ),
    200_000,
  )

  test("where its server says nothing: left, and done by the same command once it answers", async () => {
    const shops = new Map<Kind, Shop>()
    const stopped = async (act: "SIGSTOP" | "SIGCONT"): Promise<void> => {
      servers.postgres.signal(act, "all")
      servers.redis.signal(act)
      servers.mariadb.signal(act)
      for (const keys of [servers.one, servers.two])
        await (act === "SIGSTOP" ? Promise.resolve(keys.hang()) : keys.resume())
    }
    try {
      for (const kind of services) shops.set(kind, await open(servers, kind))
      for (const shop of shops.values()) await shop.adopt()
      await stopped("SIGSTOP")
      let ends: Readonly<Record<string, End>>
      try {
        ends = Object.fromEntries(
          await Promise.all(
            [...shops].map(async ([kind, shop]) => [kind, await endOf(shop)] as const),
          ),
        )
      } finally {
        await stopped("SIGCONT")
      }
      const noAnswer = Object.fromEntries(
        services.map((kind) => [kind, { ...left(""), why: "silent" }]),
      )
      expect(
        Object.fromEntries(
          Object.entries(ends).map(([kind, end]) => [
            kind,
            { ...end, why: /^(timeout|no-answer)( |$)/.test(end.why) ? "silent" : end.why },
          ]),
        ),
      ).toEqual(noAnswer)
      for (const [kind, shop] of shops)
        expect([kind, (await shop.run(...contain)).code]).toEqual([kind, 0])
    } finally {
      for (const shop of shops.values()) await shop[Symbol.asyncDispose]()
    }
  }, 300_000)

  test(
    "where its sessions cannot be ended: for new logins, and by the same command once they can",
    () =>
      expectRows(
        {
          "role with an admin": [newLogins("sessions-hidden"), "0 contained"],
          pair: [newLogins("sessions-out-of-reach"), "0 contained"],
          mariadb: [newLogins("sessions-out-of-reach"), "0 contained"],
          "exec, two values": [newLogins("sessions-out-of-reach"), "5 contained-for-new-logins"],
          "exec, one value": [newLogins("sessions-out-of-reach"), "5 contained-for-new-logins"],
          redis: [newLogins("sessions-out-of-reach"), "0 contained"],
        },
        async (shop, kind) => {
          const { role } = shop
          await shop.adopt()
          const who = kind === "pair" ? `${role}_blue` : role
          const session =
            kind === "role with an admin" || kind === "pair"
              ? new Bun.SQL({
                  adapter: "postgres",
                  hostname: "127.0.0.1",
                  port: servers.postgres.port,
                  database: "postgres",
                  username: who,
                  password: shop.old,
                  max: 1,
                })
              : undefined
          await session?.unsafe("select 1")
          const rights: Partial<Record<Kind, readonly [string, string]>> = {
            "role with an admin": [
              `alter role ${role}_admin noinherit`,
              `alter role ${role}_admin inherit`,
            ],
            pair: [
              `revoke pg_signal_backend from ${role}_rotator`,
              `grant pg_signal_backend to ${role}_rotator`,
            ],
            mariadb: [
              `REVOKE PROCESS ON *.* FROM '${role}_a'@'%'`,
              `GRANT PROCESS ON *.* TO '${role}_a'@'%'`,
            ],
          }
          const set = async (at: 0 | 1): Promise<void> => {
            const text = rights[kind]?.[at]
            if (text !== undefined)
              await (kind === "mariadb" ? servers.mariadb : servers.postgres).sql(text)
            if (kind === "redis")
              await servers.redis.command(
                "ACL",
                "SETUSER",
                servers.redis.admin.user,
                at === 0 ? "-client|list" : "+client|list",
              )
          }
          await set(0)
          const dry = await shop.run("rotate-now", "production", "--contain", "--dry-run")
          expect([
            kind,
            dry.stdout.includes("sessions that were opened before may live (see 1)"),
          ]).toEqual([kind, true])
          const end = await endOf(shop).finally(() => set(1))
          // It owes nothing more, and rotates again.
          expect([kind, (await stateOf(shop.project))?.secrets[secretOf[kind]]?.contained]).toEqual(
            [kind, expect.objectContaining({ incident, sessions: expect.anything() })],
          )
          const again = await verdictsOf(shop)
          expect((await shop.run("rotate-now", "production", "--json")).code).toBe(0)
          await session?.close().catch(() => undefined)
          return { end, again }
        },
        (kind) =>
          kind.startsWith("exec")
            ? {
                secret: {
                  env: { SERVICE: (kind === "exec, one value" ? servers.one : servers.two).url },
                },
              }
            : {},
      ),
    300_000,
  )

  test(
    "where the admin of a pair may not see sessions: for new logins, and by the same command once it may",
    () =>
      expectRows({ pair: [newLogins("sessions-hidden"), "0 contained"] }, async (shop) => {
        const { role } = shop
        await shop.adopt()
        await using session = new Bun.SQL({
          adapter: "postgres",
          hostname: "127.0.0.1",
          port: servers.postgres.port,
          database: "postgres",
          username: `${role}_blue`,
          password: shop.old,
          max: 1,
        })
        await session.unsafe("select 1")
        await servers.postgres.sql(`revoke pg_read_all_stats from ${role}_rotator`)
        const end = await endOf(shop).finally(() =>
          servers.postgres.sql(`grant pg_read_all_stats to ${role}_rotator`),
        )
        const again = await verdictsOf(shop)
        await session.close().catch(() => undefined)
        return { end, again }
      }),
    120_000,
  )

  test(
    "where a program does not get healthy: contained, and the program is named; not, where no service asks",
    () =>
      expectRows(
        rows([unhealthy, "0 contained"]),
        adopted(
          (shop) => shop.sicken(),
          (shop) => rmSync(shop.project.path("sick")),
        ),
      ),
    300_000,
  )

  test(
    "where the restart cannot be started: contained, and the program is named",
    () =>
      expectRows(
        rows(
          [
            {
              ...unhealthy,
              last: `${incident}: contained; not every program was restarted: that is owed, and named above`,
              told: "a restart is owed",
            },
            "5 contained",
          ],
          { generated: [left("output-owed"), "7 not-contained"] },
        ),
        adopted((shop) => rmSync(shop.project.path("restart-api"))),
      ),
    200_000,
  )

  test("where somebody has edited its output: dead at the service, the file owed, and written once that is seen to", () => {
    const before = new WeakMap<Shop, string>()
    const edit = (shop: Shop): void => {
      before.set(shop, shop.project.read(".env"))
      shop.project.write(
        ".env",
        shop.project.read(".env").replace(/^([A-Z_]*(?:PASSWORD|KEY))=.*$/m, "$1=Somebody-elses.1"),
      )
    }
    return expectRows(
      rows(owed, { generated: leftOnce("output-drift") }),
      adopted(edit, (shop) => shop.project.write(".env", before.get(shop) ?? "")),
    )
  }, 200_000)

  test(
    "where its service falls silent in the very change: not decided, and done by the same command once it answers",
    () =>
      expectRows(
        {
          "role with an admin": leftOnce("silent"),
          pair: leftOnce("silent"),
          redis: leftOnce("silent"),
          mariadb: leftOnce("silent"),
        },
        async (shop, kind) => {
          const port =
            { redis: servers.redis.port, mariadb: servers.mariadb.port }[kind as string] ??
            servers.postgres.port
          await using relay = await startRelay(port)
          const config = configOf(shop)
          shop.project.configure(
            JSON.parse(
              JSON.stringify(config).replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${relay.port}`),
            ) as object,
          )
          await shop.adopt()
          const dead = Promise.withResolvers<"pass">()
          let silent = false
          relay.watch((sent) => {
            silent = silent || /ALTER (ROLE|USER)|SETUSER[^]*#/.test(sent)
            return silent ? dead.promise : "pass"
          })
          const end = await endOf(shop)
          expect([
            kind,
            silent,
            (await stateOf(shop.project))?.secrets[secretOf[kind]]?.versions.map(
              ({ stage }) => stage.kind,
            ),
          ]).toEqual([kind, true, ["current", "pending"]])
          silent = false
          relay.watch(() => "pass")
          dead.resolve("pass")
          let again = await verdictsOf(shop)
          for (let tries = 0; again.exit !== 0 && tries < 5; tries++) again = await verdictsOf(shop)
          return {
            end: {
              ...end,
              why: /^(timeout|no-answer|unreachable|not-settled)( |$)/.test(end.why)
                ? "silent"
                : end.why,
            },
            again,
          }
        },
      ),
    300_000,
  )

  test(
    "when it was killed in a restart and is carried on: well",
    () =>
      expectRows(
        rows(contained),
        adopted(async (shop) => {
          const { project } = shop
          const hook = project.read("restart-api")
          project.script("restart-api", 'kill -9 "$PPID"')
          expect((await shop.run(...contain)).signal).toBe("SIGKILL")
          expect((await shop.run("status")).stdout).toContain("rotating (forward)")
          project.write("restart-api", hook, 0o700)
        }),
      ),
    200_000,
  )

  test(
    "when it was killed between the new value and the end of the others: that is owed and told, also without a version of before; the same command, or run, does it",
    () =>
      expectRows(
        {
          "exec, one value": [newLogins("sessions-out-of-reach"), "5 contained-for-new-logins"],
          "exec, two values": contained,
        },
        async (shop, kind) => {
          const { project } = shop
          // The program, which ends its caller at the first call after the promote.
          project.script(
            "program",
            `grep -qs '"owes": *true' '${project.statePath()}' && [ ! -e go ] && touch killed ` +
              `&& kill -9 "$PPID"`,
            `exec '${bun}' '${program}'`,
          )
          // Of one that was never adopted, no version tells of what its service took before.
          if (kind === "exec, one value") expect((await shop.run("init")).code).toBe(0)
          else await shop.adopt()
          const keys = kind === "exec, one value" ? servers.one : servers.two
          if (kind === "exec, one value") keys.users.set(shop.role, [intruders])
          const ran = await shop.run(...contain)
          expect([kind, ran.signal, existsSync(project.path("killed"))]).toEqual([
            kind,
            "SIGKILL",
            true,
          ])
          project.write("go", "")
          const said = await Promise.all([
            shop.run("status"),
            shop.run("plan"),
            shop.run("check", "--quick"),
            shop.run("report", incident),
          ])
          expect([
            kind,
            said.map(({ stdout }) => /NOT (contained|yet)|not proven dead/.test(stdout)),
            said[3].code,
          ]).toEqual([kind, [true, true, true, true], 7])
          expect((await stateOf(project))?.secrets["key"]?.contained).toMatchObject({
            incident,
            owes: true,
          })
          // The service does it by itself, too.
          if (kind === "exec, two values") expect((await shop.run("run", "--once")).code).toBe(0)
          const row = { end: await endOf(shop), again: await verdictsOf(shop) }
          expect([
            kind,
            await loginWith(shop, kind, kind === "exec, one value" ? intruders : shop.old),
          ]).toEqual([kind, "refused"])
          return row
        },
        () => ({ secret: { command: ["./program"] } }),
      ),
    200_000,
  )

  test(
    "where another run holds the lock: that one lets go, and it ends well",
    () =>
      expectRows(rows(contained), async (shop) => {
        const { project } = shop
        await shop.adopt()
        holdRestarts(project)
        await using first = start(project, ["rotate-now", "production"])
        await until("its restart", () => project.has("begun"))
        const second = endOf(shop)
        await until("it is asked", () =>
          existsSync(`${project.statePath().replace(/\.json$/, ".lock")}-wanted`),
        )
        project.write("go", "")
        const end = await second
        await first.child.exited
        return { end, again: await verdictsOf(shop) }
      }),
    200_000,
  )

  test("no value is said by any of it", async () => {
    await using shop = await open(servers, "role with an admin")
    await shop.run("init")
    const said = [
      await shop.run(...contain),
      await shop.run("report", incident),
      await shop.run("status"),
    ]
      .map(({ stdout, stderr }) => stdout + stderr)
      .join("\n")
    for (const value of [shop.old, shop.shown]) expect(said).not.toContain(value)
    expect(readFileSync(shop.project.auditPath(), "utf8")).not.toContain(shop.old)
  })
})
