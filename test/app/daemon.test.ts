import { expect, test } from "bun:test"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { App } from "../../src/app/app.ts"
import { Daemon } from "../../src/app/service/daemon.ts"
import type { ServiceEvents } from "../../src/app/service/events.ts"
import { adopt } from "../../src/repair/adopt.ts"
import { clock as clockCheck } from "../../src/check/self-tests/clock.ts"
import { runCheck } from "../../src/check/self-tests/check.ts"
import { verifyLog } from "../../src/record/audit-verify.ts"
import { readState } from "../../src/record/state-file.ts"
import { KeyService } from "../plugins/drivers/exec/key-service.ts"
import { fileURLToPath } from "node:url"
import { runEnvironment } from "../../src/app/service/environment-run.ts"
import type { lookAtOutputs } from "../../src/app/service/look-at-outputs.ts"
import type { lookForDrift } from "../../src/app/service/look-for-drift.ts"
import { rotateNow } from "../../src/app/rotate-now.ts"
import { AppError } from "../../src/base/error.ts"
import type { Host } from "../../src/base/system/host.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { openApp } from "../support/open-app.ts"

const dayMs = 86_400_000
const start = Date.parse("2026-03-02T12:00:00Z")

/**
 * Both clocks in hand. A pause ends at once when it is woken; else, once nothing is under way any
 * more, the clocks move on.
 */
class Clock {
  wall = start
  monotonic = 0
  /** Called whenever the clocks are about to move. */
  onPause: () => void = () => undefined
  busy = 0
  readonly host: Host = {
    now: () => new Date(this.wall),
    monotonicMs: () => this.monotonic,
    random: (count) => crypto.getRandomValues(new Uint8Array(count)),
    env: () => undefined,
    pause: async (ms, signal) => {
      do await new Promise((resolve) => setImmediate(resolve))
      while (this.busy > 0 && signal?.aborted !== true)
      if (signal?.aborted === true) return
      this.wall += ms
      this.monotonic += ms
      this.onPause()
    },
  }
}

function open(folder: string, clock: Clock, environments: string, stop: AbortSignal): Promise<App> {
  return openApp(
    folder,
    `project: test\nstore: ./store\nschedule: "0 3 * * *"\nrotate_every: 2d\nenvironments:\n${environments}`,
    { host: clock.host, stop },
  )
}

type Turned = { readonly environment: string; readonly at: number; readonly rotated: boolean }

/** Runs the service until `until` says so; tells each turn with its instant. */
async function serve(
  app: App,
  clock: Clock,
  stop: AbortController,
  until: (turns: readonly Turned[]) => boolean,
): Promise<{
  readonly turns: readonly Turned[]
  readonly clocks: readonly boolean[]
  readonly failed: readonly string[]
}> {
  const turns: Turned[] = []
  const clocks: boolean[] = []
  const failed: string[] = []
  const look = (): void => void (until(turns) ? stop.abort() : undefined)
  const watch: ServiceEvents = {
    turned: (environment, { outcomes }) => {
      turns.push({
        environment,
        at: clock.wall,
        rotated: Object.values(outcomes).some((one) => one.kind === "rotated"),
      })
      look()
    },
    failed: (environment, code) => {
      failed.push(`${environment} ${code}`)
      look()
    },
    clock: (steady) => clocks.push(steady),
    drifted: () => undefined,
    shown: () => undefined,
    unclear: () => undefined,
    uncontained: () => undefined,
    unwritten: () => undefined,
    round: () => undefined,
  }
  const before = clock.onPause
  clock.onPause = () => {
    before()
    look()
  }
  await new Daemon(app, watch, counting(clock)).run()
  return { turns, clocks, failed }
}

/** The clocks stand still while a turn is under way: what it awaits is the disk, not time. */
function counting(clock: Clock): typeof runEnvironment {
  return async (app, environment, how) => {
    clock.busy++
    try {
      return await runEnvironment(app, environment, how)
    } finally {
      clock.busy--
    }
  }
}

async function firstValues(app: App): Promise<void> {
  for (const name of Object.keys(app.config.environments))
    await rotateNow(app, name, { why: "new", skipGrace: false, waitMs: 0 })
}
const plain = (count: number): string =>
  Array.from({ length: count }, (_, index) => `  e${index}: { secrets: { k: generated } }\n`).join(
    "",
  )

test("the service rotates at the last tick before a secret is too old, for weeks, and no more often", async () => {
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

test("after a month off, what is overdue is caught up once, by a budget a minute", async () => {
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

test("a grace is neither ended nor prolonged by a leap of the wall clock under a service that lives", async () => {
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

test("what one run wrote a year ahead is put right by the next: the grace ends, the secret is due at the next scheduled time, and its audit log holds", async () => {
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

/**
 * Looks without a service, for those who hold the clock: what each was asked, and when by the clock
 * that never leaps.
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
const quiet: ServiceEvents = {
  turned: () => undefined,
  failed: () => undefined,
  clock: () => undefined,
  drifted: () => undefined,
  shown: () => undefined,
  unclear: () => undefined,
  uncontained: () => undefined,
  unwritten: () => undefined,
  round: () => undefined,
}

const lookAtNone: typeof lookAtOutputs = () => Promise.resolve({ marks: "", changes: [] })

/** Runs until so much time (ms) has passed. */
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

test("each environment is looked at within its watch, for days, hardly more often, and not where it is never to be", async () => {
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

test("looks that find nothing do not send the loop round: it would see to every environment for each of them", async () => {
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

test("a server that hangs holds up the looks at no other environment; what cannot be looked at is told once", async () => {
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

test("looks that wait for one that hangs to end do not keep the loop busy", async () => {
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

test("a look that somebody's work stood in the way of is made up for a minute later", async () => {
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

test("what stands in the way of a rotation is tried again ever more seldom, and a drifted secret not at all", async () => {
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
