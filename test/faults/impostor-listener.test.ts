import { describe, expect, test } from "bun:test"
import { chmodSync, rmSync } from "node:fs"
import { join } from "node:path"
import { startImpostor, whyNoImpostor } from "../support/impostor.ts"
import { hand } from "../support/servers/account.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { redisSecret, redisWith, serverUid, shop, skipped } from "../support/impostor-shop.ts"

/** Which listener is accepted: one whose user is known, or one that the config names. */

describe.skipIf(whyNoImpostor !== undefined)(
  `the listener of a server on this machine${skipped}`,
  () => {
    test("redis: at a socket in a folder that all users may write, no listener is accepted, unless the config says any", async () => {
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

    test("the listener that the config names is accepted, whichever user listened before; adopt then notes who it is", async () => {
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
