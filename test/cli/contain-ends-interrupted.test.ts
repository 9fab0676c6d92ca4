import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import {
  type End,
  type Kind,
  contain,
  endOf,
  incident,
  open,
  secretOf,
  startServers,
  verdictsOf,
} from "../support/contain-ends.ts"
import { program } from "../plugins/drivers/exec/harness.ts"
import { startRelay } from "../support/relay.ts"
import { bun } from "../support/running.ts"
import { stateOf } from "../support/sealed.ts"
import { type Shop, configOf } from "../support/shop.ts"
import { holdRestarts, start } from "../support/two-at-once.ts"
import { until } from "../support/until.ts"
import {
  adopted,
  contained,
  expectRows,
  intruders,
  left,
  leftOnce,
  loginWith,
  newLogins,
  rows,
  services,
} from "../support/containment-table.ts"
import { serversOfFile } from "../support/servers-of-file.ts"

/**
 * How a containment ends if a server is silent, if it is killed, or if another run holds the lock.
 */

const servers = serversOfFile({ all: startServers })

describe("a containment ends", () => {
  test("if its server says nothing: left, and done by the same command once it answers", async () => {
    const shops = new Map<Kind, Shop>()
    const stopped = async (act: "SIGSTOP" | "SIGCONT"): Promise<void> => {
      servers.all.postgres.signal(act, "all")
      servers.all.redis.signal(act)
      servers.all.mariadb.signal(act)
      for (const keys of [servers.all.one, servers.all.two])
        await (act === "SIGSTOP" ? Promise.resolve(keys.hang()) : keys.resume())
    }
    try {
      for (const kind of services) shops.set(kind, await open(servers.all, kind))
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
    "if its service falls silent during the change: undecided, and done by the same command once it answers",
    () =>
      expectRows(
        servers.all,
        {
          "role with an admin": leftOnce("silent"),
          pair: leftOnce("silent"),
          redis: leftOnce("silent"),
          mariadb: leftOnce("silent"),
        },
        async (shop, kind) => {
          const port =
            { redis: servers.all.redis.port, mariadb: servers.all.mariadb.port }[kind as string] ??
            servers.all.postgres.port
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
    "well if it was killed in a restart and is resumed",
    () =>
      expectRows(
        servers.all,
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
    "if it was killed between the new value and the end of the others: that is owed and shown, also without an earlier version; the same command, or run, does it",
    () =>
      expectRows(
        servers.all,
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
          // Of a secret that was never adopted, no version says what its service accepted before.
          if (kind === "exec, one value") expect((await shop.run("init")).code).toBe(0)
          else await shop.adopt()
          const keys = kind === "exec, one value" ? servers.all.one : servers.all.two
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
    "well if another run holds the lock, which lets go",
    () =>
      expectRows(servers.all, rows(contained), async (shop) => {
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
})
