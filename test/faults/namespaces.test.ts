import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { findMarked } from "../../src/base/processes/marked-processes.ts"
import { KeyService } from "../plugins/drivers/exec/key-service.ts"
import { type Ran, binary } from "../support/mycelium.ts"
import { endPid } from "../support/running.ts"
import { stateOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/**
 * A run that is killed on the host and resumed in a container: what it left cannot be seen there,
 * and is not called dead.
 */

const container = ["unshare", "--pid", "--fork", "--mount-proc"]
const canUnshare =
  Bun.spawnSync([...container, "true"], { stdio: ["ignore", "ignore", "ignore"] }).exitCode === 0
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

async function killedIn(
  shop: Shop,
  begun: () => boolean | Promise<boolean>,
  under: readonly string[] = [],
): Promise<void> {
  const child = Bun.spawn([...under, binary, "rotate-now", "production"], {
    cwd: shop.project.folder,
    env: { ...shop.project.environment },
    stdio: ["ignore", "ignore", "ignore"],
  })
  await until("the program to be at work", begun)
  child.kill("SIGKILL")
  await child.exited
}
const inside = (shop: Shop, ...args: readonly string[]): Promise<Ran> =>
  shop.project.mycelium(args, { under: container })

/** The command that the message gives, followed to the word. */
async function named(said: string): Promise<string> {
  const command = /grep -lszE '[^']+' \/proc\/\[0-9\]\*\/environ/.exec(said)?.[0] ?? "false"
  return (
    await new Response(
      Bun.spawn(["sh", "-c", command], { stdio: ["ignore", "pipe", "ignore"] }).stdout,
    ).text()
  ).trim()
}

/** The exec driver's program, which stays in a verb as long as a file says so. */
async function openKeyed(service: KeyService, secret: object): Promise<Shop> {
  const shop = await openShop(server, { exec: service, secret: { command: ["./key"], ...secret } })
  const program = new URL("../plugins/drivers/exec/program.ts", import.meta.url).pathname
  shop.project.script(
    "key",
    "asked=$(cat)",
    'verb=$(printf %s "$asked" | sed \'s/.*"verb":"\\([a-z-]*\\)".*/\\1/\')',
    'echo "$verb" >> verbs.log',
    '[ "$verb" != verify ] || [ ! -e later ] || exit 75',
    '[ ! -e "slow-$verb" ] || { echo begun >> "$verb.log"; until [ -e go ]; do sleep 0.05; done; }',
    '[ "$verb" != apply ] || [ ! -e later-on ] || touch later',
    `printf %s "$asked" | ${process.execPath} ${program}`,
  )
  return shop
}

/** Its restart begins, and goes on once there is a file "go". */
function holdRestart({ project }: Shop): void {
  project.script(
    "restart-api",
    "echo begun >> begun.log",
    "until [ -e go ]; do sleep 0.05; done",
    "cp .env api.loaded",
    "echo restarted >> api.log",
  )
}

describe("a run that was killed on the host", () => {
  inNamespaces(
    "in a restart hook: a container starts no second one, decides nothing, " +
      "and goes on when a person has looked",
    async () => {
      await using shop = await openShop(server)
      const { project } = shop
      await shop.adopt()
      holdRestart(shop)
      await killedIn(shop, () => project.has("begun.log"))
      const set = (await stateOf(project))?.changeSet
      marks = [`${set?.id}/api`]
      expect(await findMarked(marks[0] ?? "")).toHaveLength(1)

      for (const args of [
        ["rotate-now", "production"],
        ["run", "--once"],
        ["reconcile", "production"],
        ["rotate-now", "production", "--contain", "--yes"],
      ]) {
        const ran = await inside(shop, ...args)
        expect(ran.stdout + ran.stderr).toContain("other-namespace")
        expect([args, ran.code]).toEqual([args, 7])
      }
      const { stdout } = await inside(shop, "rotate-now", "production")
      expect(project.read("begun.log")).toBe("begun\n")
      expect((await stateOf(project))?.changeSet?.id).toBe(set?.id ?? "")
      expect(await named(stdout)).toMatch(/^(\/proc\/\d+\/environ\s?)+$/)

      // It ends by itself; a person has looked.
      project.write("go", "")
      await until("the hook to end", async () => (await findMarked(marks[0] ?? "")).length === 0)
      expect(await named(stdout)).toBe("")
      const over = await inside(shop, "reconcile", "production", "--nothing-runs")
      // Decided; the containment that was refused before is still not done, which is said.
      expect(over.stdout).toContain("production/postgres: v2 is current")
      expect(over.stdout).toContain("its containment is not at its end (other-namespace)")
      expect(over.code).toBe(7)
      expect((await stateOf(project))?.changeSet).toBeUndefined()
      expect(readFileSync(project.auditPath(), "utf8")).toContain('"declared-over"')
      expect(project.read(".env")).toBe(project.read("api.loaded"))
      expect(await shop.login(shop.shown)).toBe("in")
    },
    120_000,
  )

  inNamespaces(
    "in an exec apply: a container asks and starts nothing; the host goes on by itself",
    async () => {
      await using service = await KeyService.start(1)
      await using shop = await openKeyed(service, { timeout: "60s" })
      const { project } = shop
      await shop.adopt()
      project.write("slow-apply", "")
      await killedIn(shop, () => project.has("apply.log"))
      marks = [`exec production/key#${(await stateOf(project))?.run?.id}`]
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
    },
    120_000,
  )

  inNamespaces(
    "in an exec revoke, of which no journal tells: a container does not call the old value dead",
    async () => {
      await using service = await KeyService.start(2)
      await using shop = await openKeyed(service, { holds: "two", grace: "0s", timeout: "60s" })
      const { project } = shop
      await shop.adopt()
      const states = async (): Promise<readonly string[]> =>
        (await stateOf(project))?.secrets["key"]?.versions.map(({ stage }) => stage.kind) ?? []
      project.write("slow-revoke", "")
      await killedIn(shop, () => project.has("revoke.log"))
      marks = [`exec production/key#${(await stateOf(project))?.run?.id}`]
      const ran = await inside(shop, "run", "--once")
      expect(ran.stderr).toContain("code=other-namespace")
      expect(ran.code).not.toBe(0)
      expect([await states(), project.read("revoke.log")]).toEqual([
        ["previous", "current"],
        "begun\n",
      ])
      // Not for a login either: the revoke, the watch's note of a drift and a rotation wait for a person.
      project.write("verbs.log", "")
      for (const args of [
        ["run", "--once"],
        ["rotate-now", "production", "--skip-grace"],
      ])
        expect((await inside(shop, ...args)).code).not.toBe(0)
      expect(project.read("verbs.log")).toBe("")
      const deleted = await inside(shop, "delete", "production/key", "--yes")
      expect([deleted.stdout + deleted.stderr, deleted.code === 0]).toEqual([
        expect.stringContaining("other-namespace"),
        false,
      ])
      project.write("go", "")
      await until("it to end", async () => (await findMarked(marks[0] ?? "")).length === 0)
      const over = await inside(shop, "reconcile", "production", "--nothing-runs")
      expect(over.code).toBe(0)
      expect(await states()).toEqual(["retired", "current"])
      expect((await stateOf(project))?.acting).toBeUndefined()
    },
    120_000,
  )

  inNamespaces(
    "and one that ended in order in a container, with its journal open: any other goes on with it",
    async () => {
      await using service = await KeyService.start(1)
      await using shop = await openKeyed(service, {})
      const { project } = shop
      await shop.adopt()
      project.write("later-on", "")
      // Not process 1 of its namespace.
      const first = await project.mycelium([`"$0" rotate-now production`], {
        under: [...container, "sh", "-c", `${binary} rotate-now production; exit $?`],
      })
      expect(first.stdout).toContain("not decided yet")
      const left = await stateOf(project)
      expect([left?.changeSet, ...(left?.deferred ?? [])].some((set) => set !== undefined)).toBe(
        true,
      )
      expect(JSON.stringify(left)).not.toContain('"ranIn"')
      for (const name of ["later-on", "later"]) rmSync(project.path(name))
      const next = await inside(shop, "rotate-now", "production")
      expect(next.stdout).toContain("production/key: rotated")
      expect(next.code).toBe(0)
    },
    120_000,
  )
})

/**
 * A container whose process 1 outlives the run, which is ended by `signal` once there is a file of
 * that name.
 */
function outlived(args: string, signal: "KILL" | "TERM"): readonly string[] {
  return [
    ...container,
    "sh",
    "-c",
    `${binary} ${args} & run=$!; until [ -e ${signal} ]; do sleep 0.05; done; ` +
      `kill -${signal} $run; echo > sent; wait $run; echo $? > ended; until [ -e over ]; ` +
      "do sleep 0.05; done",
  ]
}

/** In a container that lives on, until it is over. */
function openContainer(
  shop: Shop,
  args: string,
  signal: "KILL" | "TERM",
): AsyncDisposable & { end(then?: () => void): Promise<number> } {
  const { project } = shop
  const child = Bun.spawn([...outlived(args, signal)], {
    cwd: project.folder,
    env: { ...project.environment },
    stdio: ["ignore", "ignore", "ignore"],
  })
  return {
    end: async (then = () => undefined) => {
      project.write(signal, "")
      await until("the signal to be sent", () => project.has("sent"))
      then()
      await until(
        "the run to end",
        () => project.has("ended") && project.read("ended").trim() !== "",
        30_000,
      )
      return Number(project.read("ended"))
    },
    [Symbol.asyncDispose]: async () => {
      project.write("over", "")
      await child.exited
    },
  }
}

describe("a run that was killed in a container that lives on", () => {
  const slowHook = [
    "echo begun >> begun.log",
    "until [ -e go ]; do sleep 0.05; done",
    "cp .env api.loaded",
    "echo restarted >> api.log",
  ]

  /** Killed in the middle of the hook. */
  async function killedInHook(shop: Shop): Promise<AsyncDisposable> {
    const { project } = shop
    await shop.adopt()
    project.script("restart-api", ...slowHook)
    const one = openContainer(shop, "rotate-now production/postgres", "KILL")
    await until("the hook to be at work", () => project.has("begun.log"), 20_000)
    await one.end()
    marks = [`${(await stateOf(project))?.changeSet?.id}/api`]
    return one
  }

  inNamespaces(
    "in a hook: a reading on the host does not take its mark away",
    async () => {
      await using redis = await startRedis()
      await using shop = await openShop(server, { beside: redis })
      const { project } = shop
      await using _one = await killedInHook(shop)
      const { serial } = (await stateOf(project)) ?? {}
      await shop.run("check", "--connect")
      // It has opened the value that no journal holds, and written that down.
      expect((await stateOf(project))?.serial).toBeGreaterThan(serial ?? Number.POSITIVE_INFINITY)
      const ran = await inside(shop, "rotate-now", "production")
      expect([ran.stdout, ran.code]).toEqual([expect.stringContaining("other-namespace"), 7])
      expect(project.read("begun.log")).toBe("begun\n")
    },
    120_000,
  )

  inNamespaces(
    "in a hook: a turn on the host whose service is silent does not take its mark away",
    async () => {
      await using own = await startPostgres()
      await using shop = await openShop(own)
      const { project } = shop
      await using _one = await killedInHook(shop)
      await own.stop()
      expect((await shop.run("run", "--once")).code).not.toBe(0)
      const ran = await inside(shop, "run", "--once")
      expect(ran.stderr).toContain("code=other-namespace")
      expect(project.read("begun.log")).toBe("begun\n")
    },
    120_000,
  )
})

describe("a state that is older than its log", () => {
  inNamespaces(
    "and was saved in the middle of a restart: a person says that nothing runs, and it goes on",
    async () => {
      await using shop = await openShop(server)
      const { project } = shop
      await shop.adopt()
      holdRestart(shop)
      await killedIn(shop, () => project.has("begun.log"))
      const saved = readFileSync(project.statePath(), "utf8")
      project.write("go", "")
      expect((await shop.run("rotate-now", "production")).code).toBe(0)
      writeFileSync(project.statePath(), saved)
      const asked = await inside(shop, "reconcile", "production")
      expect(asked.stdout).toContain("other-namespace")
      const over = await inside(shop, "reconcile", "production", "--nothing-runs")
      expect([over.stdout, over.code]).toEqual([expect.not.stringContaining("other-namespace"), 0])
      expect(readFileSync(project.auditPath(), "utf8")).toContain('"declared-over"')
      const state = await stateOf(project)
      expect([state?.changeSet, state?.acting]).toEqual([undefined, undefined])
      expect(await shop.login(shop.shown)).toBe("in")
    },
    120_000,
  )
})

describe("a run that is asked to stop while it takes up a journal", () => {
  inNamespaces(
    "leaves no mark, so that any other goes on at once",
    async () => {
      await using service = await KeyService.start(2)
      await using shop = await openKeyed(service, { holds: "two", grace: "0s", timeout: "60s" })
      const { project } = shop
      await shop.adopt()
      project.write("slow-apply", "")
      // Process 1 of its namespace: with it all has ended.
      const child = Bun.spawn([...container, "--kill-child", binary, "rotate-now", "production"], {
        cwd: project.folder,
        env: { ...project.environment },
        stdio: ["ignore", "ignore", "ignore"],
      })
      await until("the program to be at work", () => project.has("apply.log"), 20_000)
      child.kill("SIGKILL")
      await child.exited
      rmSync(project.path("slow-apply"))
      holdRestart(shop)
      project.write("slow-verify", "")
      await using one = openContainer(shop, "rotate-now production", "TERM")
      await until("a login to be under way", () => project.has("verify.log"), 20_000)
      expect(await one.end(() => project.write("go", ""))).not.toBe(0)
      expect(JSON.stringify(await stateOf(project))).not.toContain('"ranIn"')
      const next = await inside(shop, "rotate-now", "production")
      expect(next.stdout).not.toContain("other-namespace")
      expect(next.code).toBe(0)
    },
    120_000,
  )
})
