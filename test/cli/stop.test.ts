import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { binary } from "../support/mycelium.ts"
import { stateOf, versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

/** The binary as a child whose signals are ours to send. */
function start(shop: Shop, args: readonly string[]): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  return Bun.spawn([binary, ...args], { cwd: shop.project.folder, env: { ...shop.project.environment }, stdio: ["ignore", "pipe", "pipe"] })
}

describe("mycelium rotate-now, asked to stop", () => {
  test("lets the hook finish, ends between two steps, and the next call goes on with the same value", async () => {
    await using shop = await openShop(server, { two: true })
    const { project } = shop
    await shop.adopt()
    project.script("restart-api", "touch begun", "until [ -e go ]; do sleep 0.05; done", "cp .env api.loaded", "echo restarted >> api.log")
    const child = start(shop, ["rotate-now", "production"])
    await until("the hook to begin", () => project.has("begun"))
    child.kill("SIGTERM")
    await Bun.sleep(200)
    project.write("go", "")
    await child.exited
    expect(child.signalCode).toBeNull()
    expect(child.exitCode).not.toBe(0)
    const said = await child.stderr.text()
    expect(said).toContain("stopped")
    expect(said).not.toContain("unexpected error")
    expect(project.read("api.log")).toBe("restarted\n")
    expect((await stateOf(project))?.changeSet?.direction).toBe("forward")
    const made = shop.shown

    const { stdout, code } = await shop.run("rotate-now", "production")
    expect(stdout).toContain("production/postgres: rotated, v2 is current")
    expect(code).toBe(0)
    expect(shop.shown).toBe(made)
    expect(await versionsOf(project, "postgres")).toHaveLength(2)
    expect(await shop.login(made)).toBe("in")
  }, 30_000)

  test("twice, ends at once; the next call repairs it", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    project.script("restart-api", "touch begun", "[ -e go ] || sleep 1", "cp .env api.loaded")
    const child = start(shop, ["rotate-now", "production"])
    await until("the hook to begin", () => project.has("begun"))
    child.kill("SIGTERM")
    await Bun.sleep(100)
    child.kill("SIGTERM")
    await child.exited
    expect(child.exitCode).toBe(143)
    project.write("go", "")
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    expect(project.read("api.loaded")).toBe(project.read(".env"))
  }, 30_000)
})

describe("mycelium rotate-now, whose reader has gone away", () => {
  test("does its work to the end", async () => {
    await using shop = await openShop(server)
    await shop.adopt()
    const child = Bun.spawn(["/bin/sh", "-c", `{ "$0" rotate-now production; echo $? > code; } 2>&1 | true`, binary], { cwd: shop.project.folder, env: { ...shop.project.environment }, stdio: ["ignore", "ignore", "ignore"] })
    await child.exited
    await until("it to end", () => shop.project.has("code") && shop.project.read("code") !== "")
    expect(shop.project.read("code")).toBe("0\n")
    expect([await shop.login(shop.shown), await shop.login(shop.old)]).toEqual(["in", "28P01"])
  }, 30_000)
})
