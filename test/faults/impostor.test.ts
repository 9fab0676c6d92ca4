import { describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { chmodSync, rmSync } from "node:fs"
import { join } from "node:path"
import { startImpostor, whyNoImpostor } from "../support/impostor.ts"
import { type Project, binary, layOut } from "../support/mycelium.ts"
import { stateOf } from "../support/sealed.ts"
import { account } from "../support/servers/account.ts"
import { startMariadb } from "../support/servers/mariadb.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { type RedisServer, startRedis } from "../support/servers/redis.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { until } from "../support/until.ts"

/** Whoever has taken the address of a server of this machine while it was down is told no password, whatever Mycelium is asked to do. */

const skipped = whyNoImpostor === undefined ? "" : ` (skipped: ${whyNoImpostor})`
const old = `Old-${randomBytes(12).toString("hex")}.1`
const adminPassword = (project: Project): string => project.read("admin.password").trim()
const serverUid = account?.uid ?? process.getuid?.() ?? 0

const acts = [["rotate-now", "production"], ["rotate-now", "production", "--dry-run"], ["check", "--connect"], ["adopt", "production"], ["rotate-now", "production", "--contain", "--reason", "test", "--yes"], ["run", "--once"]]

async function shop(secret: Record<string, unknown>, admin: string, more: object = {}): Promise<Project> {
  const project = await layOut({ ".env": `PASSWORD=${old}\n`, "admin.password": `${admin}\n` }, { project: "shop", ...more, environments: { production: { rotate_every: "90d", secrets: { db: { ...secret, grace: "0s" } }, outputs: [{ dotenv: ".env", merge: true, variables: { PASSWORD: "{{ db.password }}" } }] } } })
  await project.mycelium(["init"])
  const adopted = await project.mycelium(["adopt", "production"])
  expect([adopted.code, adopted.stdout + adopted.stderr]).toEqual([0, expect.stringMatching(/nobody \(uid \d+\) listens at/)])
  return project
}

async function redisWith(config: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  return startRedis({ acl: [`shop on >${old} ~* &* +@all -@admin`], config })
}
const redisSecret = ({ port, admin }: RedisServer): Record<string, unknown> => ({ driver: "redis", address: `redis://127.0.0.1:${port}`, user: "shop", admin: { user: admin.user, password: { file: "admin.password" } } })

/** Each act is refused before anything that is worth knowing was said. */
async function expectNothingTold(project: Project, heard: () => string, words: readonly string[], all = acts): Promise<void> {
  for (const args of all) {
    const ran = await project.mycelium(args)
    const said = ran.stdout + ran.stderr
    expect({ args, told: words.filter((word) => heard().includes(word)) }).toEqual({ args, told: [] })
    expect({ args, named: /listener-changed|listens there now/.test(said) || args.includes("--once"), code: ran.code === 0 && !args.includes("--once") }).toEqual({ args, named: true, code: false })
  }
}

describe.skipIf(whyNoImpostor !== undefined)(`another user on the port of a server that is down${skipped}`, () => {
  test("redis: neither the current nor the admin's password is told, by any command; then all goes on", async () => {
    await using redis = await redisWith()
    await using project = await shop(redisSecret(redis), redis.admin.password)
    expect((await stateOf(project))?.secrets["db"]?.listeners).toEqual({ [`127.0.0.1:${redis.port}`]: serverUid })
    await redis.stop()
    {
      await using impostor = await startImpostor("redis", redis.port)
      await expectNothingTold(project, impostor.heard, [old, adminPassword(project), "AUTH"])
      expect(impostor.heard()).toContain("PING")
    }
    await redis.start()
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  }, 60_000)

  test("redis: the look for drift says it once, and what it saw when the server is back", async () => {
    await using redis = await redisWith()
    await using project = await shop(redisSecret(redis), redis.admin.password, { watch: "10s" })
    await redis.stop()
    const service = Bun.spawn([binary, "run", "--json"], { cwd: project.folder, env: project.environment, stdio: ["ignore", "pipe", "ignore"] })
    let log = ""
    const reading = (async () => {
      for await (const chunk of service.stdout) log += new TextDecoder().decode(chunk)
    })()
    const lines = (message: string): readonly string[] => log.split("\n").filter((line) => line.includes(`"message":"${message}"`))
    try {
      await using impostor = await startImpostor("redis", redis.port)
      await until("two looks", () => impostor.calls() >= 2, 40_000)
      await until("it is said", () => lines("no clear answer").length > 0, 5000)
      expect(lines("no clear answer")).toHaveLength(1)
      expect(lines("no clear answer")[0]).toContain("listener-changed")
      expect([old, adminPassword(project), "AUTH"].filter((word) => impostor.heard().includes(word))).toEqual([])
      await impostor[Symbol.asyncDispose]()
      await redis.start()
      await until("it answers again", () => lines("answers again").length > 0, 30_000)
      expect(lines("drift")).toEqual([])
    } finally {
      service.kill("SIGTERM")
      await service.exited
      await reading
    }
  }, 120_000)

  test("mariadb: who lets anybody in is not told the admin's login, nor the hash of a new value", async () => {
    await using mariadb = await startMariadb()
    await mariadb.sql(`create user 'shop'@'%' identified by '${old}'`)
    await using project = await shop({ driver: "mariadb", address: `mariadb://127.0.0.1:${mariadb.port}`, user: "shop", admin: { user: mariadb.admin.user, password: { file: "admin.password" } } }, mariadb.admin.password)
    await mariadb.stop()
    {
      await using impostor = await startImpostor("mariadb", mariadb.port)
      await expectNothingTold(project, impostor.heard, ["mysql_native_password", "ALTER USER", "shop\0", "admin\0"])
      expect(impostor.calls()).toBeGreaterThan(0)
    }
    await mariadb.start()
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  }, 90_000)

  test("postgres: who lets anybody in without a question is told no statement", async () => {
    await using postgres = await startPostgres()
    await postgres.sql(`create role shop login password '${old}'; create role rotator login createrole password 'Admin-of-this-test.1'; grant shop to rotator with admin option`)
    const project = await layOut({ ".env": `PASSWORD=${old}\n`, "admin.password": "Admin-of-this-test.1\n" }, { project: "shop", environments: { production: { rotate_every: "90d", secrets: { db: { driver: "postgres", address: `postgresql://127.0.0.1:${postgres.port}`, role: "shop", send: "plaintext", listener: serverUid, admin: { user: "rotator", password: { file: "admin.password" } } } }, outputs: [{ dotenv: ".env", merge: true, variables: { PASSWORD: "{{ db.password }}" } }] } } })
    await using laid = project
    await laid.mycelium(["init"])
    expect((await laid.mycelium(["adopt", "production"])).code).toBe(0)
    await postgres.stop()
    {
      await using impostor = await startImpostor("postgres", postgres.port)
      const ran = await laid.mycelium(["rotate-now", "production"])
      expect([ran.code, (ran.stdout + ran.stderr).includes("listens there now")]).toEqual([1, true])
      expect(["ALTER", "SET ", "PASSWORD", old].filter((word) => impostor.heard().includes(word))).toEqual([])
      expect(impostor.calls()).toBeGreaterThan(0)
    }
    await postgres.start()
    expect((await laid.mycelium(["rotate-now", "production"])).code).toBe(0)
  }, 90_000)

  test("redis: the path of a socket in a folder that all may write is no identity either", async () => {
    await using folder = await temporaryFolder()
    chmodSync(folder.path, 0o1777)
    const path = join(folder.path, "redis.sock")
    await using redis = await redisWith({ unixsocket: path, unixsocketperm: "777" })
    await using project = await shop({ ...redisSecret(redis), address: `unix:${path}` }, redis.admin.password)
    await redis.stop()
    rmSync(path, { force: true })
    await using impostor = await startImpostor("redis", path)
    chmodSync(path, 0o777)
    await expectNothingTold(project, impostor.heard, [old, adminPassword(project), "AUTH"], [["rotate-now", "production"], ["adopt", "production"]])
    expect(impostor.calls()).toBeGreaterThan(0)
  }, 60_000)

  test("what the config names as listener counts, whoever was there before; adopt then notes who it is", async () => {
    await using redis = await redisWith()
    await using project = await shop(redisSecret(redis), redis.admin.password)
    const config = JSON.parse(project.read("mycelium.yaml")) as { environments: { production: { secrets: { db: Record<string, unknown> } } } }
    const set = (listener: unknown): void => {
      config.environments.production.secrets.db = { ...config.environments.production.secrets.db, listener }
      project.configure(config)
    }
    set("daemon")
    expect((await project.mycelium(["rotate-now", "production"])).stdout).toContain("daemon (uid 1) should, by the config")
    set("there-is-no-such-user")
    expect((await project.mycelium(["rotate-now", "production"])).stdout).toContain("this machine has no user there-is-no-such-user")
    set(serverUid)
    expect((await project.mycelium(["rotate-now", "production", "--dry-run"])).stdout).toContain(`(uid ${serverUid}) listens at 127.0.0.1:${redis.port}`)
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    set("any")
    expect((await project.mycelium(["adopt", "production"])).code).toBe(0)
    config.environments.production.secrets.db = { ...config.environments.production.secrets.db, address: "rediss://127.0.0.1:1" }
    project.configure(config)
    expect((await project.mycelium(["adopt", "production"])).stderr).toContain("listener is for a server of this machine")
  }, 60_000)
})
