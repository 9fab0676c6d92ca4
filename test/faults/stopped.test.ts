import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { binary } from "../support/mycelium.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/**
 * We are stopped (SIGSTOP, as a frozen cgroup or a paused machine does) while others go on: that is
 * no time that they had.
 */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

function configure(shop: Shop, deployment: object): void {
  const config = JSON.parse(shop.project.read("mycelium.yaml")) as {
    environments: { production: { deployments: { api: object } } }
  }
  Object.assign(config.environments.production.deployments.api, deployment)
  shop.project.configure(config)
}

/** Rotates, is stopped from when `begun` holds for twice the deadline, and goes on. */
async function rotateStopped(
  shop: Shop,
  begun: () => boolean,
  meanwhile: () => void,
): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = Bun.spawn([binary, "rotate-now", "production"], {
    cwd: shop.project.folder,
    env: { ...shop.project.environment },
    stdio: ["ignore", "pipe", "pipe"],
  })
  try {
    await until("it to begin", begun)
    child.kill("SIGSTOP")
    meanwhile()
    // The time itself is the case: longer than the deadline.
    await Bun.sleep(4000)
    child.kill("SIGCONT")
    await child.exited
    return { code: child.exitCode, said: (await child.stdout.text()) + (await child.stderr.text()) }
  } finally {
    child.kill("SIGCONT")
    child.kill("SIGKILL")
  }
}

describe("mycelium rotate-now, stopped for longer than a deadline", () => {
  test("does not end a hook whose time it has not seen", async () => {
    await using shop = await openShop(server)
    await shop.adopt()
    configure(shop, { timeout: "2s" })
    shop.project.script(
      "restart-api",
      "touch begun",
      "until [ -e go ]; do sleep 0.05; done",
      "cp .env api.loaded",
      "echo restarted >> api.log",
    )
    const { code, said } = await rotateStopped(
      shop,
      () => shop.project.has("begun"),
      () => shop.project.write("go", ""),
    )
    expect(said).toContain("production/postgres: rotated, v2 is current")
    expect(code).toBe(0)
    expect(shop.project.read("api.log")).toBe("restarted\n")
  }, 60_000)

  test("gives a hook the rest of its time, and the program that reads its files too", async () => {
    await using shop = await openShop(server)
    await shop.adopt()
    configure(shop, { timeout: "2s", healthy: { command: ["./health-api"], within: "1500ms" } })
    // It goes on for a moment once we run again.
    shop.project.script(
      "restart-api",
      "touch begun",
      "until [ -e go ]; do sleep 0.05; done",
      "sleep 0.5",
      "cp .env api.loaded",
      "echo restarted >> api.log",
    )
    const stopped = rotateStopped(
      shop,
      () => shop.project.has("begun"),
      () => undefined,
    )
    await until("it to begin", () => shop.project.has("begun"))
    setTimeout(() => shop.project.write("go", ""), 3900)
    const { code, said } = await stopped
    expect(said).toContain("production/postgres: rotated, v2 is current")
    expect(code).toBe(0)
  }, 60_000)

  test("waits on for a program that gets healthy meanwhile", async () => {
    await using shop = await openShop(server)
    await shop.adopt()
    configure(shop, { healthy: { command: ["./health-api"], within: "2s" } })
    // Healthy before the rotation; afterwards from when "go" is there. Its answer takes longer than
    // the stop begins.
    shop.project.script("restart-api", "cp .env api.loaded", "touch begun")
    shop.project.script(
      "health-api",
      "[ -e begun ] || exit 0",
      "touch asked",
      "until [ -e go ]; do sleep 0.05; done",
      "cmp -s .env api.loaded",
    )
    const { code, said } = await rotateStopped(
      shop,
      () => shop.project.has("asked"),
      () => shop.project.write("go", ""),
    )
    expect(said).toContain("production/postgres: rotated, v2 is current")
    expect(code).toBe(0)
  }, 60_000)
})

describe("mycelium rotate-now, not stopped", () => {
  test("ends a hook that takes too long, and a wait for health, as before", async () => {
    await using shop = await openShop(server)
    await shop.adopt()
    configure(shop, { timeout: "1s" })
    shop.project.script(
      "restart-api",
      "[ -e once ] && exec cp .env api.loaded",
      "touch once",
      "sleep 600",
    )
    const { stdout, stderr, ms } = await shop.run("rotate-now", "production")
    expect(stdout + stderr).toContain("was not done within 1s")
    expect(ms).toBeLessThan(20_000)
  }, 60_000)
})
