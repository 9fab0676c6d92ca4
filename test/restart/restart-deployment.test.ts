import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { AppError } from "../../src/base/error.ts"
import { type Host, realHost } from "../../src/base/system/host.ts"
import { findMarked, markVariable } from "../../src/base/processes/marked-processes.ts"
import { http } from "../../src/plugins/healths/http.ts"
import { command } from "../../src/plugins/restarters/command.ts"
import { restartDeployment } from "../../src/restart/restart-deployment.ts"
import { deployment } from "../support/deployment.ts"
import { errorOf } from "../support/error-of.ts"
import { hookReach, neverStops } from "../support/hook-reach.ts"
import { isRunning } from "../support/running.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { until } from "../support/until.ts"

const newMark = (): string => `test/${crypto.randomUUID()}`

/** Pauses that take no time, written down. */
function quickHost(pauses: number[] = []): Host {
  return { ...realHost({}), pause: async (ms) => void pauses.push(Math.round(ms)) }
}

test("restartDeployment() runs a real hook and waits for a real server that is slow to be healthy", async () => {
  await using folder = await temporaryFolder()
  let asked = 0
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response("", { status: ++asked < 3 ? 503 : 200 }),
  })
  const context = hookReach(folder.path)
  const result = await restartDeployment(
    deployment({
      restarter: command.open(["sh", "-c", "echo $MYCELIUM_RUN >> restarts"], context),
      health: http.open(`http://127.0.0.1:${server.port}/`, context),
    }),
    "set-1/api",
    realHost({}),
    { signal: neverStops() },
  )
  await server.stop(true)
  expect(result.ok && result.gapMs).toBeGreaterThan(200)
  expect(asked).toBe(3)
  expect(await readFile(join(folder.path, "restarts"), "utf8")).toBe("set-1/api\n")
})

test("restartDeployment() asks again and again, less and less often, until the time is over", async () => {
  const pauses: number[] = []
  const unhealthy = deployment({
    withinMs: 5000,
    healthy: async () => "503 from http://127.0.0.1/healthz",
  })
  const result = await restartDeployment(unhealthy, newMark(), quickHost(pauses), {
    signal: neverStops(),
  })
  expect(result).toEqual({
    ok: false,
    code: "unhealthy",
    why: "not healthy within 5s: 503 from http://127.0.0.1/healthz",
  })
  expect(pauses.slice(0, 7)).toEqual([100, 150, 225, 338, 506, 759, 1000])
  expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBeLessThanOrEqual(5001)
})

test("restartDeployment() does not wait where there is no health check", async () => {
  expect(
    (await restartDeployment(deployment(), newMark(), quickHost(), { signal: neverStops() })).ok,
  ).toBe(true)
})

test("restartDeployment() goes on asking where a health check throws or hangs", async () => {
  let asked = 0
  const healthy = async (): Promise<true> => {
    asked++
    if (asked === 1) throw new AppError("program-missing", "no ping")
    if (asked === 2) throw new TypeError("s3cret")
    if (asked === 3) return new Promise<true>(() => undefined)
    return true
  }
  const host = quickHost()
  expect(
    await restartDeployment(deployment({ withinMs: 1300, healthy }), newMark(), host, {
      signal: neverStops(),
    }),
  ).toEqual({
    ok: false,
    code: "unhealthy",
    why: "not healthy within 1s: no answer from http http://127.0.0.1/healthz",
  })
  expect(asked).toBe(3)
})

test("restartDeployment() says why a restart failed, and does not ask for health then", async () => {
  const healthy = async (): Promise<true> => {
    throw new Error("asked")
  }
  const failing = (error: Error) =>
    restartDeployment(
      deployment({ healthy, restart: () => Promise.reject(error) }),
      newMark(),
      quickHost(),
      { signal: neverStops() },
    )
  expect(await failing(new AppError("restart-failed", "hook ended with code 3"))).toEqual({
    ok: false,
    code: "restart-failed",
    why: "hook ended with code 3",
  })
  expect(await failing(new TypeError("s3cret"))).toEqual({
    ok: false,
    code: "restart-failed",
    why: "command restart-api failed",
  })
})

test("restartDeployment() ends a hook that is not done in time", async () => {
  await using folder = await temporaryFolder()
  const restarter = command.open(["sh", "-c", "echo $$ > pid; sleep 600"], hookReach(folder.path))
  const result = await restartDeployment(
    deployment({ restarter, timeoutMs: 1000 }),
    newMark(),
    realHost({}),
    { signal: neverStops() },
  )
  expect(result).toEqual({
    ok: false,
    code: "restart-timeout",
    why: "command sh was not done within 1s",
  })
  expect(await isRunning(Number(await readFile(join(folder.path, "pid"), "utf8")))).toBe(false)
})

test("restartDeployment() throws when it is stopped while it waits: nothing is decided then", async () => {
  const cases = [
    deployment({ healthy: async () => "503" }),
    deployment({ healthy: () => new Promise(() => undefined) }),
  ]
  for (const one of cases) {
    expect(
      (
        await errorOf(
          restartDeployment(one, newMark(), realHost({}), { signal: AbortSignal.timeout(100) }),
        )
      ).code,
    ).toBe("stopped")
  }
})

test("restartDeployment() lets a hook that has begun finish before it stops", async () => {
  await using folder = await temporaryFolder()
  const restarter = command.open(
    ["sh", "-c", ": > begun; while [ ! -e go ]; do sleep 0.01; done; echo done > finished"],
    hookReach(folder.path),
  )
  const one = deployment({ restarter, healthy: async () => "503" })
  const stop = new AbortController()
  const ended = errorOf(restartDeployment(one, newMark(), realHost({}), { signal: stop.signal }))
  await until("the hook begins", () => existsSync(join(folder.path, "begun")))
  stop.abort()
  await writeFile(join(folder.path, "go"), "")
  expect((await ended).code).toBe("stopped")
  expect(await readFile(join(folder.path, "finished"), "utf8")).toBe("done\n")
})

test("restartDeployment() ends the hook that a crash left before it runs the next", async () => {
  await using folder = await temporaryFolder()
  const mark = newMark()
  const file = join(folder.path, "log")
  await writeFile(file, "")
  const old = Bun.spawn(
    [
      "sh",
      "-c",
      "trap 'echo old ended >> log; exit' TERM; echo old began >> log; while :; do sleep 0.02; done",
    ],
    { cwd: folder.path, env: { [markVariable]: mark, PATH: "/usr/bin:/bin" }, detached: true },
  )
  await until("the old hook runs", async () => (await readFile(file, "utf8")) === "old began\n")
  const restarter = command.open(["sh", "-c", "echo new >> log"], hookReach(folder.path))
  expect(
    (
      await restartDeployment(deployment({ restarter, timeoutMs: 500 }), mark, realHost({}), {
        signal: neverStops(),
      })
    ).ok,
  ).toBe(true)
  await old.exited
  expect(await readFile(file, "utf8")).toBe("old began\nold ended\nnew\n")
})

test("restartDeployment() spares, on the way back, the daemon that its own hook left in a session of its own", async () => {
  await using folder = await temporaryFolder()
  const restarter = command.open(
    ["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & echo $! >> daemons"],
    hookReach(folder.path),
  )
  const mark = newMark()
  const one = deployment({ restarter })
  for (const daemonsSoFar of [1, 2]) {
    expect((await restartDeployment(one, mark, quickHost(), { signal: neverStops() })).ok).toBe(
      true,
    )
    await until(
      "the daemon leads its session",
      async () => (await findMarked(mark)).length === daemonsSoFar,
    )
  }
  const daemons = (await readFile(join(folder.path, "daemons"), "utf8"))
    .trim()
    .split("\n")
    .map(Number)
  const running = await Promise.all(daemons.map(isRunning))
  for (const pid of daemons) process.kill(pid, "SIGKILL")
  expect(running).toEqual([true, true])
})
