import { expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { App } from "../../src/app/app.ts"
import { adopt } from "../../src/repair/adopt.ts"
import { clock as clockCheck } from "../../src/check/self-tests/clock.ts"
import { runCheck } from "../../src/check/self-tests/check.ts"
import { verifyLog } from "../../src/record/audit-verify.ts"
import { readState } from "../../src/record/state-file.ts"
import { KeyService } from "../plugins/drivers/exec/key-service.ts"
import { fileURLToPath } from "node:url"
import { runEnvironment } from "../../src/app/service/environment-run.ts"
import { rotateNow } from "../../src/app/rotate-now.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { Clock, dayMs, firstValues, open, plain, serve } from "../support/daemon-clock.ts"

/** The service while the wall clock leaps. */

test("after the wall clock leaps by more than a day nothing is due until it has run true for ten minutes", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = new Clock()
  const app = await open(folder.path, clock, plain(1), stop.signal)
  await firstValues(app)
  let leaptAt = 0
  clock.onPause = () => {
    if (leaptAt === 0 && clock.monotonic > 5 * 60_000) {
      clock.wall += 365 * dayMs
      leaptAt = clock.monotonic
    }
  }
  let rotatedAt = 0
  const { clocks } = await serve(app, clock, stop, (all) => {
    if (rotatedAt === 0 && all.some(({ rotated }) => rotated)) rotatedAt = clock.monotonic
    return rotatedAt !== 0 || clock.monotonic > 3_600_000
  })
  expect(clocks).toEqual([false, true])
  expect(rotatedAt - leaptAt).toBeGreaterThanOrEqual(600_000)
  expect(rotatedAt - leaptAt).toBeLessThan(900_000)
})

/** A service behind a program, in whose hand two values live at a time; adopted, and shown by a file. */
async function openKeyed(
  folder: string,
  clock: Clock,
  service: KeyService,
  stop: AbortSignal,
): Promise<App> {
  const program = JSON.stringify(
    fileURLToPath(new URL("../plugins/drivers/exec/program.ts", import.meta.url)),
  )
  await writeFile(join(folder, ".env"), "KEY=First-key-of-the-service.0123456789\n", {
    mode: 0o600,
  })
  service.users.set("app", ["First-key-of-the-service.0123456789"])
  const secret =
    `{ driver: exec, command: [${JSON.stringify(process.execPath)}, ${program}], holds: ` +
    `two, user: app, env: { SERVICE: ${JSON.stringify(service.url)} }, grace: 10m }`
  const app = await open(
    folder,
    clock,
    `  one: { secrets: { k: ${secret} }, outputs: [{ dotenv: .env, variables: { KEY: ` +
      `"{{ k.password }}" } }] }\n`,
    stop,
  )
  await adopt(app, "one", {})
  return app
}
const stageOf = async (app: App): Promise<string | undefined> =>
  (await stateIn(app))?.secrets["k"]?.versions.find(({ id }) => id === "v1")?.stage.kind
const stateIn = (app: App): ReturnType<typeof readState> =>
  readState({ store: app.config.store, project: "test", environment: "one" })

test("a grace is neither ended nor prolonged by a leap of the wall clock under a running service", async () => {
  for (const leapMs of [365 * dayMs, -60 * dayMs, 3_600_000]) {
    await using folder = await temporaryFolder()
    await using service = await KeyService.start(2)
    const stop = new AbortController()
    const clock = new Clock()
    clock.wall = Date.parse("2027-03-02T12:00:00Z")
    const app = await openKeyed(folder.path, clock, service, stop.signal)
    await rotateNow(app, "one", { why: "asked", skipGrace: false, waitMs: 0 })
    const granted = clock.monotonic
    let leapt = false
    clock.onPause = () => {
      if (leapt || clock.monotonic < granted + 20_000) return
      clock.wall += leapMs
      leapt = true
    }
    let endedAt = 0
    await serve(app, clock, stop, () => {
      if (endedAt === 0 && service.log.some((line) => line.startsWith("drop")))
        endedAt = clock.monotonic
      return endedAt !== 0 || clock.monotonic > granted + 2 * 3_600_000
    })
    expect(leapt).toBe(true)
    expect(endedAt - granted).toBeGreaterThanOrEqual(599_000)
    expect(endedAt - granted).toBeLessThan(720_000)
  }
}, 120_000)

test("times that one run wrote a year ahead are corrected by the next: the grace ends, the secret is due at the next scheduled time, and its audit log holds", async () => {
  await using folder = await temporaryFolder()
  await using service = await KeyService.start(2)
  const clock = new Clock()
  const right = Date.parse("2027-03-02T12:00:00Z")
  clock.wall = right
  const stop = new AbortController()
  const app = await openKeyed(folder.path, clock, service, stop.signal)
  clock.wall = right + 365 * dayMs
  await rotateNow(app, "one", { why: "asked", skipGrace: false, waitMs: 0 })
  clock.wall = right + 60_000
  // Another process: it knows only what the state says.
  const next: App = { ...app, host: { ...clock.host } }
  // A timer's run decides nothing by a clock that is behind the state, and says so.
  const once = await runEnvironment(next, "one", { rotate: "unless-behind" })
  expect(once.aheadMs).toBeGreaterThan(364 * dayMs)
  expect([await stageOf(app), service.log.filter((line) => line.startsWith("drop"))]).toEqual([
    "previous",
    [],
  ])
  let revokedAt = 0
  let rotatedAt = 0
  const { clocks } = await serve(next, clock, stop, (turns) => {
    if (revokedAt === 0 && service.log.some((line) => line.startsWith("drop")))
      revokedAt = clock.wall
    if (turns.some(({ rotated }) => rotated)) rotatedAt = clock.wall
    return rotatedAt !== 0 || clock.wall > right + 3 * dayMs
  })
  expect(clocks).toEqual([false, true])
  expect(revokedAt - right).toBeLessThan(30 * 60_000)
  expect(new Date(rotatedAt).toISOString().slice(0, 16)).toBe("2027-03-03T03:00")
  const state = await stateIn(app)
  const documents = state === undefined ? [] : [state]
  expect((await runCheck(clockCheck, { documents, now: new Date(clock.wall) })).findings).toEqual(
    [],
  )
  const verified = await verifyLog(
    { store: app.config.store, project: "test", environment: "one" },
    state?.audit,
    new Map(),
  )
  expect([verified.faults, verified.setBack]).toEqual([[], 1])
}, 120_000)
