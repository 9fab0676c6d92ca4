import { describe, expect, test } from "bun:test"
import { startImpostor, whyNoImpostor } from "../support/impostor.ts"
import { binary } from "../support/mycelium.ts"
import { stateOf } from "../support/sealed.ts"
import { startMariadb } from "../support/servers/mariadb.ts"
import { startRabbitmq } from "../support/servers/rabbitmq.ts"
import { until } from "../support/until.ts"
import {
  acts,
  adminPassword,
  expectNothingTold,
  old,
  redisSecret,
  redisWith,
  serverUid,
  shop,
  skipped,
} from "../support/impostor-shop.ts"

describe.skipIf(whyNoImpostor !== undefined)(
  `another user on the port of a server that is down${skipped}`,
  () => {
    test("redis: neither the current nor the admin's password is sent, by any command; once the server is back, all works", async () => {
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
        // Its greeting is not believed either: the error says whose program it is.
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

    test("redis: the look for drift reports it once, and what it sees when the server is back", async () => {
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

    test("mariadb: an impostor that accepts any password is sent neither the admin's login nor the hash of a new value", async () => {
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

    test("rabbitmq: neither an impostor of the API nor one of the programs' port is sent a password, or a hash", async () => {
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
  },
)
