import { describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { chmodSync, chownSync, rmSync } from "node:fs"
import { join } from "node:path"
import { impostorUid, startImpostor, whyNoImpostor } from "../support/impostor.ts"
import { type Project, binary, layOut } from "../support/mycelium.ts"
import { stateOf } from "../support/sealed.ts"
import { account, hand } from "../support/servers/account.ts"
import { startMariadb } from "../support/servers/mariadb.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRabbitmq } from "../support/servers/rabbitmq.ts"
import { type RedisServer, startRedis } from "../support/servers/redis.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { until } from "../support/until.ts"

/**
 * Whoever has taken the address of a server of this machine while it was down is told no password,
 * whatever Mycelium is asked to do.
 */

const skipped = whyNoImpostor === undefined ? "" : ` (skipped: ${whyNoImpostor})`
const old = `Old-${randomBytes(12).toString("hex")}.1`
const adminPassword = (project: Project): string => project.read("admin.password").trim()
const serverUid = account?.uid ?? process.getuid?.() ?? 0

const acts = [
  ["rotate-now", "production"],
  ["rotate-now", "production", "--dry-run"],
  ["check", "--connect"],
  ["adopt", "production"],
  ["rotate-now", "production", "--contain", "--reason", "test", "--yes"],
  ["run", "--once"],
]

async function shop(
  secret: Record<string, unknown>,
  admin: string,
  more: object = {},
): Promise<Project> {
  const project = await layOut(
    { ".env": `PASSWORD=${old}\n`, "admin.password": `${admin}\n` },
    {
      project: "shop",
      ...more,
      environments: {
        production: {
          rotate_every: "90d",
          secrets: {
            db: {
              ...secret,
              ...(["postgres", "rabbitmq"].includes(String(secret["driver"]))
                ? {}
                : { grace: "0s" }),
            },
          },
          outputs: [{ dotenv: ".env", merge: true, variables: { PASSWORD: "{{ db.password }}" } }],
        },
      },
    },
  )
  await project.mycelium(["init"])
  const adopted = await project.mycelium(["adopt", "production"])
  expect([adopted.code, adopted.stdout + adopted.stderr]).toEqual([
    0,
    expect.stringMatching(/nobody \(uid \d+\) listens at/),
  ])
  return project
}

async function redisWith(config: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  return startRedis({ acl: [`shop on >${old} ~* &* +@all -@admin`], config })
}
const redisSecret = ({ port, admin }: RedisServer): Record<string, unknown> => ({
  driver: "redis",
  address: `redis://127.0.0.1:${port}`,
  user: "shop",
  admin: { user: admin.user, password: { file: "admin.password" } },
})

/** Each act is refused before anything that is worth knowing was said. */
async function expectNothingTold(
  project: Project,
  heard: () => string,
  words: readonly string[],
  all = acts,
): Promise<void> {
  for (const args of all) {
    const ran = await project.mycelium(args)
    const said = ran.stdout + ran.stderr
    expect({ args, told: words.filter((word) => heard().includes(word)) }).toEqual({
      args,
      told: [],
    })
    expect({
      args,
      named: /listener-changed|listens there now/.test(said) || args.includes("--once"),
      code: ran.code === 0 && !args.includes("--once"),
    }).toEqual({ args, named: true, code: false })
  }
}

describe.skipIf(whyNoImpostor !== undefined)(
  `another user on the port of a server that is down${skipped}`,
  () => {
    test("redis: neither the current nor the admin's password is told, by any command; then all goes on", async () => {
      await using redis = await redisWith()
      await using project = await shop(redisSecret(redis), redis.admin.password)
      expect((await stateOf(project))?.secrets["db"]?.listeners).toEqual({
        [`127.0.0.1:${redis.port}`]: serverUid,
      })
      await redis.stop()
      {
        await using impostor = await startImpostor("redis", redis.port)
        await expectNothingTold(project, impostor.heard, [old, adminPassword(project), "AUTH"])
        expect(impostor.heard()).toContain("PING")
      }
      {
        // What it says at the door is not believed either: it is said who speaks.
        await using full = await startImpostor("redis-full", redis.port)
        await expectNothingTold(
          project,
          full.heard,
          [old, adminPassword(project), "AUTH"],
          acts.slice(0, 2),
        )
      }
      await redis.start()
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    }, 60_000)

    test("redis: the look for drift says it once, and what it saw when the server is back", async () => {
      await using redis = await redisWith()
      await using project = await shop(redisSecret(redis), redis.admin.password, { watch: "10s" })
      await redis.stop()
      const service = Bun.spawn([binary, "run", "--json"], {
        cwd: project.folder,
        env: project.environment,
        stdio: ["ignore", "pipe", "ignore"],
      })
      let log = ""
      const reading = (async () => {
        for await (const chunk of service.stdout) log += new TextDecoder().decode(chunk)
      })()
      const lines = (message: string): readonly string[] =>
        log.split("\n").filter((line) => line.includes(`"message":"${message}"`))
      try {
        await using impostor = await startImpostor("redis", redis.port)
        await until("two looks", () => impostor.calls() >= 2, 40_000)
        await until("it is said", () => lines("no clear answer").length > 0, 5000)
        expect(lines("no clear answer")).toHaveLength(1)
        expect(lines("no clear answer")[0]).toContain("listener-changed")
        expect(
          [old, adminPassword(project), "AUTH"].filter((word) => impostor.heard().includes(word)),
        ).toEqual([])
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
      await using project = await shop(
        {
          driver: "mariadb",
          address: `mariadb://127.0.0.1:${mariadb.port}`,
          user: "shop",
          admin: { user: mariadb.admin.user, password: { file: "admin.password" } },
        },
        mariadb.admin.password,
      )
      await mariadb.stop()
      {
        await using impostor = await startImpostor("mariadb", mariadb.port)
        await expectNothingTold(project, impostor.heard, [
          "mysql_native_password",
          "ALTER USER",
          "shop\0",
          "admin\0",
        ])
        expect(impostor.calls()).toBeGreaterThan(0)
      }
      {
        await using full = await startImpostor("mariadb-full", mariadb.port)
        await expectNothingTold(project, full.heard, ["shop\0", "admin\0"], acts.slice(0, 2))
      }
      await mariadb.start()
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    }, 90_000)

    test("rabbitmq: neither who answers for the API nor who answers programs is told a password, or a hash", async () => {
      await using rabbitmq = await startRabbitmq()
      await rabbitmq.user("shop", old)
      await using project = await shop(
        {
          driver: "rabbitmq",
          address: `http://127.0.0.1:${rabbitmq.port}`,
          amqp: `amqp://127.0.0.1:${rabbitmq.amqpPort}`,
          user: "shop",
          admin: { user: rabbitmq.admin.user, password: { file: "admin.password" } },
        },
        rabbitmq.admin.password,
      )
      await rabbitmq.stop()
      {
        await using api = await startImpostor("rabbitmq-api", rabbitmq.port)
        await using amqp = await startImpostor("amqp", rabbitmq.amqpPort)
        await expectNothingTold(project, () => api.heard() + amqp.heard(), [
          old,
          adminPassword(project),
          "authorization",
          "password_hash",
          "PLAIN",
        ])
        expect([api.calls() > 0, amqp.calls() > 0]).toEqual([true, true])
      }
      await rabbitmq.start()
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    }, 120_000)

    test("postgres: who lets anybody in without a question is told no statement", async () => {
      await using postgres = await startPostgres()
      await postgres.sql(
        `create role shop login password '${old}'; create role rotator login createrole ` +
          "password 'Admin-of-this-test.1'; grant shop to rotator with admin option",
      )
      const project = await layOut(
        { ".env": `PASSWORD=${old}\n`, "admin.password": "Admin-of-this-test.1\n" },
        {
          project: "shop",
          environments: {
            production: {
              rotate_every: "90d",
              secrets: {
                db: {
                  driver: "postgres",
                  address: `postgresql://127.0.0.1:${postgres.port}`,
                  role: "shop",
                  send: "plaintext",
                  listener: serverUid,
                  admin: { user: "rotator", password: { file: "admin.password" } },
                },
              },
              outputs: [
                { dotenv: ".env", merge: true, variables: { PASSWORD: "{{ db.password }}" } },
              ],
            },
          },
        },
      )
      await using laid = project
      await laid.mycelium(["init"])
      expect((await laid.mycelium(["adopt", "production"])).code).toBe(0)
      await postgres.stop()
      {
        await using impostor = await startImpostor("postgres", postgres.port)
        const ran = await laid.mycelium(["rotate-now", "production"])
        expect([ran.code, (ran.stdout + ran.stderr).includes("listens there now")]).toEqual([
          1,
          true,
        ])
        expect(
          ["ALTER", "SET ", "PASSWORD", old].filter((word) => impostor.heard().includes(word)),
        ).toEqual([])
        expect(impostor.calls()).toBeGreaterThan(0)
      }
      await postgres.start()
      expect((await laid.mycelium(["rotate-now", "production"])).code).toBe(0)
    }, 90_000)

    test.each([["postgres-refuses"], ["relay"]] as const)(
      "postgres: %s stands before a server that asks for SCRAM: no proof is given, and no answer believed",
      async (kind) => {
        await using postgres = await startPostgres({
          config: { listen_addresses: "127.0.0.1,127.0.0.2" },
          hba: "local all all scram-sha-256\nhost all all 127.0.0.0/8 scram-sha-256",
        })
        const admin = `Admin-${randomBytes(12).toString("hex")}.1`
        await postgres.sql(
          `create role shop login password '${old}'; create role rotator login createrole ` +
            `password '${admin}'; grant shop to rotator with admin option`,
        )
        const secret = {
          driver: "postgres",
          address: `postgresql://127.0.0.1:${postgres.port}`,
          role: "shop",
          admin: { user: "rotator", password: { file: "admin.password" } },
        }
        await using project = await shop(secret, admin)
        expect((await stateOf(project))?.secrets["db"]?.listeners).toEqual({
          [`127.0.0.1:${postgres.port}`]: serverUid,
        })
        await postgres.sql("alter system set listen_addresses = '127.0.0.2'")
        await postgres.restart()
        {
          await using impostor = await startImpostor(
            kind,
            postgres.port,
            `127.0.0.2:${postgres.port}`,
          )
          await expectNothingTold(project, impostor.heard, [
            "SCRAM-SHA-256",
            "ALTER",
            "SET ",
            admin,
            old,
          ])
          expect(impostor.calls()).toBeGreaterThan(0)
          // Whom the config does not name is told nothing either, whatever was noted.
          project.configure({
            ...(JSON.parse(project.read("mycelium.yaml")) as object),
            environments: {
              production: {
                rotate_every: "90d",
                secrets: { db: { ...secret, listener: "nobody", unshown: true } },
              },
            },
          })
          await expectNothingTold(
            project,
            impostor.heard,
            ["SCRAM-SHA-256"],
            [["rotate-now", "production"]],
          )
        }
        await postgres.sql("alter system reset listen_addresses")
        await postgres.restart()
        expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
      },
      120_000,
    )

    test("postgres: the server's own socket is used; another user's in its place is told nothing", async () => {
      await using postgres = await startPostgres()
      const admin = `Admin-${randomBytes(12).toString("hex")}.1`
      await postgres.sql(
        `create role shop login password '${old}'; create role rotator login createrole ` +
          `password '${admin}'; grant shop to rotator with admin option`,
      )
      const folder = postgres.socketFolder
      await using project = await shop(
        {
          driver: "postgres",
          address: `postgresql://localhost:${postgres.port}/postgres?host=${folder}`,
          role: "shop",
          admin: { user: "rotator", password: { file: "admin.password" } },
        },
        admin,
      )
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
      expect((await stateOf(project))?.secrets["db"]?.listeners).toEqual({
        [`${folder}/.s.PGSQL.${postgres.port}`]: serverUid,
      })
      await postgres.stop()
      // As if they had taken the way to it.
      const path = join(folder, `.s.PGSQL.${postgres.port}`)
      chownSync(folder, impostorUid, impostorUid)
      {
        await using impostor = await startImpostor("postgres", path)
        await expectNothingTold(
          project,
          impostor.heard,
          ["SCRAM-SHA-256", "ALTER", "SET ", admin],
          [
            ["rotate-now", "production"],
            ["adopt", "production"],
          ],
        )
        expect(impostor.calls()).toBeGreaterThan(0)
        // Nor where they give it away, to root or back to the server's user.
        for (const uid of [0, serverUid]) {
          chownSync(path, uid, uid)
          const ran = await project.mycelium(["rotate-now", "production"])
          expect([
            ran.code === 0,
            /listener-changed|listens there now|socket-folder-open|more than one user/.test(
              ran.stdout + ran.stderr,
            ),
          ]).toEqual([false, true])
          expect(
            ["SCRAM-SHA-256", "ALTER", "SET ", admin].filter((word) =>
              impostor.heard().includes(word),
            ),
          ).toEqual([])
        }
      }
      rmSync(path, { force: true })
      chownSync(folder, serverUid, serverUid)
      await postgres.start()
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    }, 90_000)

    test("redis: at a socket in a folder that all may write nobody is known, so nothing is sent; any says that this is meant", async () => {
      await using folder = await temporaryFolder()
      await hand(folder.path)
      const path = join(folder.path, "redis.sock")
      await using redis = await redisWith({ unixsocket: path, unixsocketperm: "777" })
      const secret = { ...redisSecret(redis), address: `unix:${path}` }
      await using project = await shop(secret, redis.admin.password)
      chmodSync(folder.path, 0o1777)
      for (const args of [
        ["rotate-now", "production"],
        ["adopt", "production"],
        ["check", "--connect"],
      ]) {
        const ran = await project.mycelium(args)
        expect({
          args,
          failed: ran.code !== 0,
          named: (ran.stdout + ran.stderr).includes(`more than one user can change ${folder.path}`),
        }).toEqual({ args, failed: true, named: true })
      }
      const config = JSON.parse(project.read("mycelium.yaml")) as {
        environments: { production: { secrets: { db: Record<string, unknown> } } }
      }
      config.environments.production.secrets.db = {
        ...config.environments.production.secrets.db,
        listener: "any",
      }
      project.configure(config)
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
      config.environments.production.secrets.db = {
        ...config.environments.production.secrets.db,
        listener: "nobody",
      }
      project.configure(config)
      await redis.stop()
      rmSync(path, { force: true })
      await using impostor = await startImpostor("redis", path)
      chmodSync(path, 0o777)
      const ran = await project.mycelium(["rotate-now", "production"])
      expect([ran.code === 0, (ran.stdout + ran.stderr).includes("more than one user")]).toEqual([
        false,
        true,
      ])
      expect([impostor.heard(), impostor.calls()]).toEqual(["", 0])
    }, 60_000)

    test("what the config names as listener counts, whoever was there before; adopt then notes who it is", async () => {
      await using redis = await redisWith()
      await using project = await shop(redisSecret(redis), redis.admin.password)
      const config = JSON.parse(project.read("mycelium.yaml")) as {
        environments: { production: { secrets: { db: Record<string, unknown> } } }
      }
      const set = (listener: unknown): void => {
        config.environments.production.secrets.db = {
          ...config.environments.production.secrets.db,
          listener,
        }
        project.configure(config)
      }
      set("daemon")
      expect((await project.mycelium(["rotate-now", "production"])).stdout).toContain(
        "daemon (uid 1) should, by the config",
      )
      set("there-is-no-such-user")
      expect((await project.mycelium(["rotate-now", "production"])).stdout).toContain(
        "this machine has no user there-is-no-such-user",
      )
      set(serverUid)
      expect((await project.mycelium(["rotate-now", "production", "--dry-run"])).stdout).toContain(
        `(uid ${serverUid}) listens at 127.0.0.1:${redis.port}`,
      )
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
      set("any")
      expect((await project.mycelium(["adopt", "production"])).code).toBe(0)
      config.environments.production.secrets.db = {
        ...config.environments.production.secrets.db,
        address: "rediss://127.0.0.1:1",
      }
      project.configure(config)
      expect((await project.mycelium(["adopt", "production"])).stderr).toContain(
        "listener is for a server of this machine",
      )
    }, 60_000)
  },
)
