import { expect, test } from "bun:test"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Daemon } from "../../src/app/service/daemon.ts"
import { runEnvironment } from "../../src/app/service/environment-run.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import {
  Clock,
  dayMs,
  firstValues,
  open,
  plain,
  quiet,
  serve,
  start,
} from "../support/daemon-clock.ts"

test("the service rotates at the last tick before a secret is too old, and no more often, for weeks", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = new Clock()
  const app = await open(folder.path, clock, plain(1), stop.signal)
  await firstValues(app)
  const { turns } = await serve(app, clock, stop, () => clock.wall > start + 20 * dayMs)
  const rotations = turns
    .filter(({ rotated }) => rotated)
    .map(({ at }) => new Date(at).toISOString().slice(0, 13))
  expect(rotations.slice(0, 4)).toEqual([
    "2026-03-04T03",
    "2026-03-06T03",
    "2026-03-08T03",
    "2026-03-10T03",
  ])
  expect(rotations).toHaveLength(10)
})

test("after a month off, overdue secrets are rotated once, by a budget a minute", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = new Clock()
  const app = await open(folder.path, clock, plain(70), stop.signal)
  await firstValues(app)
  clock.wall += 30 * dayMs
  const began = clock.wall
  const { turns } = await serve(
    app,
    clock,
    stop,
    (all) => all.filter(({ rotated }) => rotated).length >= 70 || clock.wall > began + 10 * 60_000,
  )
  const rotated = turns.filter((turn) => turn.rotated)
  expect(rotated).toHaveLength(70)
  expect(new Set(rotated.map(({ environment }) => environment)).size).toBe(70)
  const minutes = rotated.map(({ at }) => Math.floor((at - began) / 60_000))
  expect([0, 1, 2].map((minute) => minutes.filter((one) => one === minute).length)).toEqual([
    30, 30, 10,
  ])
})

test("an environment whose state is broken is reported, and delays no other", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = new Clock()
  const app = await open(folder.path, clock, plain(3), stop.signal)
  await firstValues(app)
  await writeFile(join(folder.path, "store/secrets/test/e1.json"), '{"format":1,')
  const { turns, failed } = await serve(
    app,
    clock,
    stop,
    (all) =>
      new Set(all.filter(({ rotated }) => rotated).map(({ environment }) => environment)).size >= 2,
  )
  expect(
    new Set(turns.filter(({ rotated }) => rotated).map(({ environment }) => environment)),
  ).toEqual(new Set(["e0", "e2"]))
  expect(failed[0]).toBe("e1 state-broken")
})

test("a rotation that is prevented is tried again less and less often, and a drifted secret not at all", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = new Clock()
  const app = await open(
    folder.path,
    clock,
    "  e0: { secrets: { k: generated }, outputs: " +
      `[{ dotenv: "${join(folder.path, "missing", "x.env")}", variables: { K: ` +
      `"{{ k.password }}" } }] }\n`,
    stop.signal,
  )
  await mkdir(join(folder.path, "missing"))
  await firstValues(app)
  await rm(join(folder.path, "missing"), { recursive: true })
  const tries: number[] = []
  await new Daemon(
    app,
    {
      ...quiet,
      turned: (_, { outcomes }) => {
        if (Object.keys(outcomes).length > 0) tries.push(clock.wall)
      },
    },
    async (...args) => {
      clock.busy++
      try {
        return await runEnvironment(...args)
      } finally {
        clock.busy--
        if (clock.wall > start + 3 * dayMs) stop.abort()
      }
    },
  ).run()
  const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0))
  expect(tries.length).toBeGreaterThan(5)
  // Within a day of being due: one, two, four … minutes, then hourly.
  expect(gaps.slice(7).every((gap) => gap > 45 * 60_000)).toBe(true)
  expect(tries.length).toBeLessThan(60)
})
