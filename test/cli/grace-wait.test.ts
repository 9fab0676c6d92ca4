import { expect, test } from "bun:test"
import { binary } from "../support/mycelium.ts"
import { versionsOf } from "../support/sealed.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

test.each(["SIGINT", "SIGTERM"] as const)(
  "rotate-now says that it waits for a grace, until when and what for; %s ends it with 0 and says what is owed, which run revokes",
  async (signal) => {
    await using shop = await openShop(servers.postgres, {
      redis: servers.redis,
      secret: { grace: "10m" },
    })
    const { project } = shop
    await shop.adopt()
    const child = Bun.spawn([binary, "rotate-now", "production"], {
      cwd: project.folder,
      env: { ...project.environment },
      stdio: ["ignore", "pipe", "pipe"],
    })
    let said = ""
    const listening = (async () => {
      for await (const chunk of child.stderr) said += Buffer.from(chunk).toString()
    })()
    await until("the wait to be said", () => said.includes("waits until"))
    expect(said).toMatch(
      /grace +production +this command waits until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, for (10m|9m 5\ds), then revokes v1 of redis; Ctrl-C is safe/,
    )
    // The environment is free meanwhile.
    expect((await shop.run("check", "--quick")).code).toBe(0)
    child.kill(signal)
    const stdout = await child.stdout.text()
    await child.exited
    await listening
    expect([child.exitCode, child.signalCode]).toEqual([0, null])
    expect(stdout).toContain("production/redis: rotated, v2 is current")
    expect(stdout).toMatch(
      /production\/redis: v1 stays accepted for (10m|9m 5\ds); mycelium run, or the next rotate-now, revokes it then/,
    )
    expect((await versionsOf(project, "redis")).map(({ id, stage }) => `${id} ${stage}`)).toEqual([
      "v1 previous",
      "v2 current",
    ])
    expect((await shop.run("rotate-now", "production", "--skip-grace", "--no-wait")).code).toBe(0)
    expect(await shop.service.login({ user: shop.role, password: shop.old })).toBe("WRONGPASS")
  },
  60_000,
)
