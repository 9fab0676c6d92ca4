import { describe, expect, test } from "bun:test"
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { json } from "../support/mycelium.ts"
import { auditFaults } from "../support/sealed.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { type Shop, type ShopOptions, openShop } from "../support/shop.ts"
import { reconcile, rotated, show, stages } from "../support/reconcile.ts"
import { serversOfFile } from "../support/servers-of-file.ts"

/**
 * An older state was put back, or the state was lost: reconcile finds which value lives, and makes
 * it the current one.
 */

const servers = serversOfFile({ postgres: startPostgres })

type Document = {
  readonly written: boolean
  readonly found: Readonly<
    Record<string, { readonly kind: string; readonly version?: string; readonly code?: string }>
  >
  readonly revoked: readonly {
    readonly version: string
    readonly death: { readonly kind: string }
  }[]
}

describe("reconcile, after an older state was put back", () => {
  async function withOlderState(
    options: ShopOptions,
    act: (shop: Shop, live: string) => Promise<void>,
  ): Promise<void> {
    await using shop = await openShop(servers.postgres, options)
    const { project } = shop
    await shop.adopt()
    await rotated(shop)
    copyFileSync(project.statePath(), project.path("backup"))
    const live = await rotated(shop)
    copyFileSync(project.path("backup"), project.statePath())
    await act(shop, live)
  }

  test("nothing rotates or is revoked, and each refusal names reconcile", async () => {
    await withOlderState({}, async (shop, live) => {
      for (const args of [
        ["rotate-now", "production"],
        ["run", "--once"],
        ["render", "production"],
        ["adopt", "production"],
      ]) {
        const ran = await shop.run(...args)
        expect(ran.stderr + ran.stdout).toContain("is older than its audit log")
        expect(ran.code).toBe(7)
        if (args[0] !== "run") expect(ran.stderr).toContain("mycelium reconcile production")
      }
      expect(await shop.login(live)).toBe("in")
      expect(shop.shown).toBe(live)
    })
  })

  test("a value that the state does not know makes the secret new; adopt takes it over, and no version number is used twice", async () => {
    await withOlderState({}, async (shop, live) => {
      const { project } = shop
      const before = project.snapshot()
      const dry = await shop.run(...reconcile, "--dry-run")
      expect(dry.code).toBe(7)
      expect(project.snapshot()).toEqual(before)
      const ran = await shop.run(...reconcile)
      expect(ran.stdout).toContain("the service refuses all 2 versions")
      expect(ran.stdout).toContain(
        "production: the state is older than its audit log; it goes on from here",
      )
      expect(ran.code).toBe(7)
      expect(await stages(shop)).toEqual(["v1 retired", "v2 retired"])
      expect((await shop.run("run", "--once")).code).toBe(0)
      expect((await shop.run("adopt", "production")).stdout).toContain("adopted as v4")
      expect(shop.shown).toBe(live)
      await rotated(shop)
      expect((await shop.run("audit", "verify")).code).toBe(0)
      expect(auditFaults(project)).toEqual([])
    })
  }, 60_000)

  test("of a pair, nothing is taken away from the role that is accepted", async () => {
    await withOlderState({ pair: true }, async (shop) => {
      const { project, service } = shop
      const live = service.shown(project)
      expect((await shop.run(...reconcile)).code).toBe(7)
      expect((await shop.run("run", "--once")).code).toBe(0)
      expect(await service.login(live)).toBe("in")
      expect((await shop.run("adopt", "production")).code).toBe(0)
      await rotated(shop)
    })
  }, 60_000)

  test("if its current value is the one that is accepted, it is used at once", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    const live = await rotated(shop)
    copyFileSync(project.statePath(), project.path("backup"))
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    await shop.setPassword(live)
    show(shop, live)
    copyFileSync(project.path("backup"), project.statePath())
    const ran = await shop.run(...reconcile)
    expect(ran.stdout).toContain("production/postgres: v2 is current")
    expect(ran.code).toBe(0)
    expect((await shop.run("audit")).stdout).toContain("state-older")
    await rotated(shop)
    expect(await stages(shop)).toEqual(["v1 retired", "v2 retired", "v4 current"])
  }, 60_000)

  test("the state stays set aside while a service gives no clear answer", async () => {
    await using other = await startPostgres()
    await using shop = await openShop(other)
    const { project } = shop
    await shop.adopt()
    copyFileSync(project.statePath(), project.path("backup"))
    await rotated(shop)
    copyFileSync(project.path("backup"), project.statePath())
    await other.stop()
    const ran = await shop.run(...reconcile, "--json")
    expect(json<Document>(ran)).toMatchObject({
      written: false,
      found: { postgres: { kind: "unknown" } },
    })
    expect(ran.code).toBe(1)
    expect((await shop.run("rotate-now", "production")).code).toBe(7)
    await other.start()
    expect((await shop.run(...reconcile)).code).toBe(7)
    expect((await shop.run("adopt", "production")).code).toBe(0)
  }, 60_000)

  test.each(["deleted", "cut"] as const)(
    "if the log was %s, nothing is rotated; reconcile finds which value is accepted",
    async (how) => {
      await using shop = await openShop(servers.postgres)
      const { project } = shop
      await shop.adopt()
      await rotated(shop)
      copyFileSync(project.statePath(), project.path("backup"))
      const live = await rotated(shop)
      copyFileSync(project.path("backup"), project.statePath())
      const lines = readFileSync(project.auditPath(), "utf8").split("\n")
      if (how === "deleted") rmSync(project.auditPath())
      else writeFileSync(project.auditPath(), `${lines.slice(0, 2).join("\n")}\n`)
      for (const args of [
        ["rotate-now", "production"],
        ["run", "--once"],
        ["render", "production"],
      ]) {
        const ran = await shop.run(...args)
        expect(`${ran.stdout}${ran.stderr}`).toContain("nothing says whether")
        expect([args, ran.code]).toEqual([args, 7])
      }
      expect(await shop.login(live)).toBe("in")
      expect((await shop.run("check")).stdout).toContain("state-older")
      const ran = await shop.run(...reconcile)
      expect(ran.stdout).toContain("lines of the audit log that the state knows of are gone")
      expect((await shop.run("adopt", "production")).code).toBe(0)
      expect(auditFaults(project)).toEqual([])
      await rotated(shop)
    },
    60_000,
  )

  test("a state that was lost begins anew behind its log, with every secret new", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    await rotated(shop)
    rmSync(project.statePath())
    expect((await shop.run("rotate-now", "production", "--new")).code).toBe(7)
    const ran = await shop.run(...reconcile)
    expect(ran.stdout).toContain("production: the state was gone; it goes on from here")
    expect(ran.code).toBe(5)
    expect((await shop.run("adopt", "production")).stdout).toContain("adopted as v3")
    expect(auditFaults(project)).toEqual([])
    await rotated(shop)
  }, 60_000)

  test("if its log was put back too, what the services and the files say prevents harm", async () => {
    await using shop = await openShop(servers.postgres, { two: true })
    const { project } = shop
    await shop.adopt()
    const backups = [project.statePath(), project.auditPath()].map(
      (path) => [path, readFileSync(path)] as const,
    )
    const live = await rotated(shop)
    const key = project.variable("SESSION_KEY", "session.env")
    for (const [path, bytes] of backups) writeFileSync(path, bytes)
    const ran = await shop.run("rotate-now", "production")
    expect(ran.stdout).toContain("production/session_key: left as it was: ")
    expect(ran.stdout).toContain("(output-drift)")
    expect(ran.code).toBe(7)
    expect([shop.shown, project.variable("SESSION_KEY", "session.env")]).toEqual([live, key])
    const found = await shop.run(...reconcile)
    expect(found.stdout).toContain("production/session_key: ")
    expect(found.stdout).toContain("(output-drift)")
    expect(found.code).toBe(7)
    expect([shop.shown, await shop.login(live)]).toEqual([live, "in"])
  }, 60_000)
})
