import { expect, test } from "bun:test"
import type { App } from "../../src/app/app.ts"
import { Daemon } from "../../src/app/service/daemon.ts"
import type { ServiceEvents } from "../../src/app/service/events.ts"
import type { lookAtOutputs } from "../../src/app/service/look-at-outputs.ts"
import type { lookForDrift } from "../../src/app/service/look-for-drift.ts"
import { AppError } from "../../src/base/error.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { Clock, counting, dayMs, open, plain, quiet } from "../support/daemon-clock.ts"

/** When the service looks at the services of each environment. */

/**
 * Looks without a service, with the clock in the test's hand: which environment was looked at, and
 * when, by the monotonic clock.
 */
function looking(clock: Clock, answer: (environment: string) => ReturnType<typeof lookForDrift>) {
  const looks: { readonly environment: string; readonly at: number }[] = []
  const look: typeof lookForDrift = async (_, environment) => {
    clock.busy++
    looks.push({ environment, at: clock.monotonic })
    try {
      return await answer(environment)
    } finally {
      clock.busy--
    }
  }
  return { looks, look }
}
const asked = (name: string, watch = ""): string =>
  `  ${name}: { ${watch}secrets: { k: { driver: postgres, ` +
  `address: "postgresql://127.0.0.1:5/${name}", role: ${name} } } }\n`

const lookAtNone: typeof lookAtOutputs = () => Promise.resolve({ marks: "", changes: [] })

/** Runs until `forMs` has passed. */
async function lookFor(
  app: App,
  clock: Clock,
  stop: AbortController,
  forMs: number,
  look: typeof lookForDrift,
  watch: ServiceEvents = quiet,
): Promise<void> {
  const before = clock.onPause
  clock.onPause = () => {
    before()
    if (clock.monotonic > forMs) stop.abort()
  }
  await new Daemon(app, watch, counting(clock), { services: look, outputs: lookAtNone }).run()
}

test("each environment is looked at about once in its watch interval, for days, and never if its watch is off", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = new Clock()
  const app = await open(
    folder.path,
    clock,
    asked("hourly") + asked("often", "watch: 5m, ") + asked("never", "watch: never, ") + plain(1),
    stop.signal,
  )
  const { looks, look } = looking(clock, () => Promise.resolve([]))
  await lookFor(app, clock, stop, 2 * dayMs, look)
  const times = (name: string): readonly number[] =>
    looks.filter(({ environment }) => environment === name).map(({ at }) => at)
  for (const [name, everyMs] of [
    ["hourly", 3_600_000],
    ["often", 300_000],
  ] as const) {
    const gaps = times(name).map((at, index, all) => at - (all[index - 1] ?? 0))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(everyMs)
    expect(Math.min(...gaps.slice(1))).toBeGreaterThanOrEqual((everyMs - 60_000) * 0.8)
    expect(new Set(gaps.slice(1)).size).toBeGreaterThan(3)
  }
  expect([times("never"), times("e0")]).toEqual([[], []])
})

test("looks that find nothing do not wake the loop, which would go through every environment for each of them", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = new Clock()
  const names = Array.from({ length: 300 }, (_, index) => `s${index}`)
  const app = await open(
    folder.path,
    clock,
    names.map((name) => asked(name)).join("") + plain(300),
    stop.signal,
  )
  const { looks, look } = looking(clock, () => Promise.resolve([]))
  let rounds = 0
  await lookFor(app, clock, stop, 2 * 3_600_000, look, { ...quiet, round: () => void rounds++ })
  expect(new Set(looks.map(({ environment }) => environment)).size).toBe(names.length)
  expect(looks.length).toBeGreaterThan(1.9 * names.length)
  // Once a minute.
  expect(rounds).toBeLessThan(130)
})

test("a server that hangs delays the looks at no other environment; an environment that cannot be looked at is reported once", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = new Clock()
  const app = await open(
    folder.path,
    clock,
    asked("dead") + asked("fine") + asked("broken"),
    stop.signal,
  )
  const { looks, look } = looking(clock, (environment) => {
    if (environment === "broken") return Promise.reject(new AppError("state-broken", "damaged"))
    if (environment !== "dead") return Promise.resolve([])
    clock.busy--
    return new Promise<readonly []>((resolve) =>
      stop.signal.addEventListener("abort", () => (clock.busy++, resolve([]))),
    )
  })
  const failed: string[] = []
  await lookFor(app, clock, stop, dayMs, look, {
    ...quiet,
    failed: (environment, code) => void failed.push(`${environment} ${code}`),
  })
  const count = (name: string): number =>
    looks.filter(({ environment }) => environment === name).length
  expect([count("dead"), count("fine") >= 24, count("broken") >= 24]).toEqual([1, true, true])
  expect(failed.filter((one) => one.startsWith("broken"))).toEqual(["broken state-broken"])
})

test("looks that wait for one that hangs do not keep the loop busy", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = new Clock()
  const app = await open(
    folder.path,
    clock,
    [1, 2, 3, 4].map((number) => asked(`dead${number}`)).join("") + asked("often", "watch: 5m, "),
    stop.signal,
  )
  const { looks, look } = looking(clock, (environment) => {
    if (!environment.startsWith("dead")) return Promise.resolve([])
    clock.busy--
    return new Promise<readonly []>((resolve) =>
      stop.signal.addEventListener("abort", () => (clock.busy++, resolve([]))),
    )
  })
  let rounds = 0
  const round = (): void => {
    if (++rounds > 1000) stop.abort()
  }
  await lookFor(app, clock, stop, 2 * 3_600_000, look, { ...quiet, round })
  expect(looks.filter(({ environment }) => environment !== "often")).toHaveLength(4)
  // Once a minute, and for each of its looks.
  expect(rounds).toBeLessThan(200)
})

test("a look that was prevented by a run is repeated a minute later", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = new Clock()
  const app = await open(folder.path, clock, asked("busy"), stop.signal)
  let first = true
  const { looks, look } = looking(clock, () => {
    const seen = first ? undefined : []
    first = false
    return Promise.resolve(seen)
  })
  await lookFor(app, clock, stop, 3 * 3_600_000, look)
  const [one, two, three] = looks
  expect((two?.at ?? 0) - (one?.at ?? 0)).toBeLessThanOrEqual(120_000)
  expect((three?.at ?? 0) - (two?.at ?? 0)).toBeGreaterThan(2_800_000)
})
