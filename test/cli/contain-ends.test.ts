import { describe, expect, test } from "bun:test"
import { copyFileSync, readFileSync } from "node:fs"
import {
  change,
  contain,
  endOf,
  incident,
  open,
  secretOf,
  startServers,
  verdictsOf,
} from "../support/contain-ends.ts"
import { stateOf } from "../support/sealed.ts"
import {
  adopted,
  contained,
  expectRows,
  intruders,
  leftFor,
  loginWith,
  never,
  newLogins,
  rows,
  services,
} from "../support/containment-table.ts"
import { serversOfFile } from "../support/servers-of-file.ts"

/** How a containment ends, of each kind of secret, whatever its value is before. */

const servers = serversOfFile({ all: startServers })

describe("a containment ends", () => {
  test(
    "well",
    () =>
      expectRows(
        servers.all,
        rows(contained),
        adopted(() => undefined),
      ),
    200_000,
  )

  test(
    "well, of a secret that was never adopted: the value that its output shows works, and is taken over first",
    () =>
      expectRows(servers.all, rows(contained), async (shop, kind) => {
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
    "of a secret that was never adopted and whose output shows a dead value: an admin sets a value, or it is left",
    () =>
      expectRows(servers.all, rows(contained, unknown), async (shop, kind) => {
        await change(servers.all, kind, shop, intruders)
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
    "of a secret that was never adopted and that no output shows: an admin sets a value, or it is left",
    () =>
      expectRows(
        servers.all,
        rows(contained, unknown),
        async (shop, kind) => {
          await change(servers.all, kind, shop, intruders)
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
    "of a secret whose versions are all retired, after a reconcile: an admin sets a value, or it is left",
    () =>
      expectRows(servers.all, rows(contained, unknown, services), async (shop, kind) => {
        const { project } = shop
        await shop.adopt()
        copyFileSync(project.statePath(), project.path("state.backup"))
        expect((await shop.run("rotate-now", "production", "--json")).code).toBe(0)
        copyFileSync(project.path("state.backup"), project.statePath())
        await change(servers.all, kind, shop, intruders)
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
    "of a secret whose service refuses the current value: an admin sets a value, or it is left",
    () =>
      expectRows(
        servers.all,
        rows(
          contained,
          { role: leftFor("password-refused"), "exec, two values": leftFor("current-refused") },
          services,
        ),
        adopted((shop, kind) => change(servers.all, kind, shop, intruders)),
      ),
    200_000,
  )

  test("and none of the outputs says a value", async () => {
    await using shop = await open(servers.all, "role with an admin")
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
