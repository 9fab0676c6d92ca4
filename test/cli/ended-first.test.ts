import { expect, test } from "bun:test"
import { binary } from "../support/mycelium.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

const servers = serversOfFile({ postgres: startPostgres })

test.each([
  ["adopt", "production"],
  ["reconcile", "production"],
  ["render", "production"],
])(
  "a killed rotation that %s ends first, and that leaves a program unhealthy, is said: exit 7",
  async (command, environment) => {
    await using shop = await openShop(servers.postgres, {})
    const { project } = shop
    await shop.adopt()
    project.script("restart-api", "touch begun", "exec sleep 600")
    const child = Bun.spawn([binary, "rotate-now", "production"], {
      cwd: project.folder,
      env: { ...project.environment },
      stdio: ["ignore", "ignore", "ignore"],
    })
    await until("the restart to begin", () => project.has("begun"), 30_000)
    child.kill("SIGKILL")
    await child.exited
    project.script("restart-api", "exit 1")
    const ran = await shop.run(command, environment)
    expect([ran.code, ran.stdout]).toEqual([7, expect.stringContaining("(back-unhealthy)")])
    expect(ran.stdout).toContain("production/postgres: went back to the old value")
  },
  90_000,
)
