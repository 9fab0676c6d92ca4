import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync, rmSync } from "node:fs"
import { findMarked } from "../../src/base/marked-processes.ts"
import { type Place, mayHide } from "../../src/base/place.ts"
import { KeyService } from "../plugins/drivers/exec/key-service.ts"
import { type Ran, binary } from "../support/mycelium.ts"
import { endPid } from "../support/running.ts"
import { stateOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/** A run that is killed on the host and resumed in a container: what it left cannot be seen there, and is not called dead. */

const container = ["unshare", "--pid", "--fork", "--mount-proc"]
const canUnshare = Bun.spawnSync([...container, "true"], { stdio: ["ignore", "ignore", "ignore"] }).exitCode === 0
/** Needs CAP_SYS_ADMIN: an ordinary user, and most containers, have none. */
const inNamespaces = test.skipIf(!canUnshare)

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())
let marks: string[] = []
afterEach(async () => {
  for (const mark of marks) for (const pid of await findMarked(mark)) endPid(pid)
  marks = []
})

async function killedIn(shop: Shop, begun: () => boolean | Promise<boolean>, under: readonly string[] = []): Promise<void> {
  const child = Bun.spawn([...under, binary, "rotate-now", "production"], { cwd: shop.project.folder, env: { ...shop.project.environment }, stdio: ["ignore", "ignore", "ignore"] })
  await until("the program to be at work", begun)
  child.kill("SIGKILL")
  await child.exited
}
const inside = (shop: Shop, ...args: readonly string[]): Promise<Ran> => shop.project.mycelium(args, { under: container })

/** The command that the message gives, followed to the word. */
async function named(said: string): Promise<string> {
  const command = /grep -lszE '[^']+' \/proc\/\[0-9\]\*\/environ/.exec(said)?.[0] ?? "false"
  return (await new Response(Bun.spawn(["sh", "-c", command], { stdio: ["ignore", "pipe", "ignore"] }).stdout).text()).trim()
}

/** The exec driver's program, which stays in a verb as long as a file says so. */
async function openKeyed(service: KeyService, secret: object): Promise<Shop> {
  const shop = await openShop(server, { exec: service, secret: { command: ["./key"], ...secret } })
  const program = new URL("../plugins/drivers/exec/program.ts", import.meta.url).pathname
  shop.project.script(
    "key",
    "asked=$(cat)",
    'verb=$(printf %s "$asked" | sed \'s/.*"verb":"\\([a-z-]*\\)".*/\\1/\')',
    '[ "$verb" != verify ] || [ ! -e later ] || exit 75',
    '[ ! -e "slow-$verb" ] || { echo begun >> "$verb.log"; until [ -e go ]; do sleep 0.05; done; }',
    '[ "$verb" != apply ] || [ ! -e later-on ] || touch later',
    `printf %s "$asked" | ${process.execPath} ${program}`,
  )
  return shop
}

describe("a run that was killed on the host", () => {
  inNamespaces("in a restart hook: a container starts no second one, decides nothing, and goes on when a person has looked", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    project.script("restart-api", "echo begun >> begun.log", "until [ -e go ]; do sleep 0.05; done", "cp .env api.loaded", "echo restarted >> api.log")
    await killedIn(shop, () => project.has("begun.log"))
    const set = (await stateOf(project))?.changeSet
    marks = [`${set?.id}/api`]
    expect(await findMarked(marks[0] ?? "")).toHaveLength(1)

    for (const args of [["rotate-now", "production"], ["run", "--once"], ["reconcile", "production"], ["rotate-now", "production", "--contain", "--yes"]]) {
      const ran = await inside(shop, ...args)
      expect(ran.stdout + ran.stderr).toContain("other-namespace")
      expect([args, ran.code]).toEqual([args, args[0] === "reconcile" ? 1 : 7])
    }
    const { stdout } = await inside(shop, "rotate-now", "production")
    expect(project.read("begun.log")).toBe("begun\n")
    expect((await stateOf(project))?.changeSet?.id).toBe(set?.id ?? "")
    expect(await named(stdout)).toMatch(/^\/proc\/\d+\/environ$/)

    // It ends by itself; a person has looked.
    project.write("go", "")
    await until("the hook to end", async () => (await findMarked(marks[0] ?? "")).length === 0)
    expect(await named(stdout)).toBe("")
    const over = await inside(shop, "reconcile", "production", "--nothing-runs")
    expect(over.stdout + over.stderr).not.toContain("other-namespace")
    expect(over.code).toBe(0)
    expect((await stateOf(project))?.changeSet).toBeUndefined()
    expect(readFileSync(project.auditPath(), "utf8")).toContain('"declared-over"')
    expect(project.read(".env")).toBe(project.read("api.loaded"))
    expect(await shop.login(shop.shown)).toBe("in")
  }, 120_000)

  inNamespaces("in an exec apply: a container asks and starts nothing; the host goes on by itself", async () => {
    await using service = await KeyService.start(1)
    await using shop = await openKeyed(service, { timeout: "60s" })
    const { project } = shop
    await shop.adopt()
    project.write("slow-apply", "")
    await killedIn(shop, () => project.has("apply.log"))
    marks = [`exec production/key#${(await stateOf(project))?.id.slice(0, 8)}`]
    const ran = await inside(shop, "rotate-now", "production")
    expect(ran.stdout).toContain("other-namespace")
    expect(ran.code).toBe(7)
    expect(project.read("apply.log")).toBe("begun\n")
    expect(await named(ran.stdout)).not.toBe("")
    // It lands, late.
    const before = service.log.length
    project.write("go", "")
    await until("it to land", () => service.log.length > before)
    const host = await shop.run("rotate-now", "production")
    expect(host.stdout).toContain("production/key: rotated")
    expect(host.code).toBe(0)
    expect(await shop.login(project.variable("API_KEY"))).toBe("in")
  }, 120_000)

  inNamespaces("in an exec revoke, of which no journal tells: a container does not call the old value dead", async () => {
    await using service = await KeyService.start(2)
    await using shop = await openKeyed(service, { holds: "two", grace: "0s", timeout: "60s" })
    const { project } = shop
    await shop.adopt()
    const states = async (): Promise<readonly string[]> => (await stateOf(project))?.secrets["key"]?.versions.map(({ stage }) => stage.is) ?? []
    project.write("slow-revoke", "")
    await killedIn(shop, () => project.has("revoke.log"))
    marks = [`exec production/key#${(await stateOf(project))?.id.slice(0, 8)}`]
    const ran = await inside(shop, "run", "--once")
    expect(ran.stderr).toContain("code=other-namespace")
    expect(ran.code).not.toBe(0)
    expect([await states(), project.read("revoke.log")]).toEqual([["previous", "current"], "begun\n"])
    const deleted = await inside(shop, "delete", "production/key", "--yes")
    expect([deleted.stdout + deleted.stderr, deleted.code === 0]).toEqual([expect.stringContaining("other-namespace"), false])
    project.write("go", "")
    await until("it to end", async () => (await findMarked(marks[0] ?? "")).length === 0)
    const over = await inside(shop, "reconcile", "production", "--nothing-runs")
    expect(over.code).toBe(0)
    expect(await states()).toEqual(["kept", "current"])
    expect((await stateOf(project))?.acting).toBeUndefined()
  }, 120_000)

  inNamespaces("and one that ended in order in a container, with its journal open: any other goes on with it", async () => {
    await using service = await KeyService.start(1)
    await using shop = await openKeyed(service, {})
    const { project } = shop
    await shop.adopt()
    project.write("later-on", "")
    // Not process 1 of its namespace.
    const first = await project.mycelium([`"$0" rotate-now production`], { under: [...container, "sh", "-c", `${binary} rotate-now production; exit $?`] })
    expect(first.stdout).toContain("not decided yet")
    const left = await stateOf(project)
    expect([left?.changeSet, ...(left?.parked ?? [])].some((set) => set !== undefined)).toBe(true)
    expect(JSON.stringify(left)).not.toContain('"ranIn"')
    for (const name of ["later-on", "later"]) rmSync(project.path(name))
    const next = await inside(shop, "rotate-now", "production")
    expect(next.stdout).toContain("production/key: rotated")
    expect(next.code).toBe(0)
  }, 120_000)
})

test("a place hides a program only where a run that lives elsewhere cannot see it, and the kernel has not ended it", () => {
  const host: Place = { boot: "a", namespace: "pid:[4026531836]", machine: "m" }
  const one: Place = { boot: "a", namespace: "pid:[1]" }
  const other: Place = { boot: "a", namespace: "pid:[2]" }
  expect([mayHide(host, host), mayHide(one, one), mayHide(one, host), mayHide({ ...one, init: true }, other)]).toEqual([undefined, undefined, undefined, undefined])
  expect([mayHide(host, one), mayHide(one, other)]).toEqual(["elsewhere on this machine", "elsewhere on this machine"])
  expect([mayHide({ ...host, boot: "b" }, host), mayHide({ ...host, boot: "b" }, one), mayHide({ ...host, boot: "b", machine: "n" }, host)]).toEqual([undefined, undefined, "on another machine"])
})
