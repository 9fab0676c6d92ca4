import { Turns } from "../../src/base/turns.ts"
import { expect, test } from "bun:test"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { App } from "../../src/app/app.ts"
import { Daemon, type Watch } from "../../src/app/daemon.ts"
import { takeTurn } from "../../src/app/turn.ts"
import { rotateNow } from "../../src/app/rotate-now.ts"
import type { Host } from "../../src/base/host.ts"
import { loadConfig } from "../../src/config/load.ts"
import { newIdentity, recipientOf } from "../../src/core/seal.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { drivers } from "../../src/plugins/drivers/index.ts"
import { healths } from "../../src/plugins/healths/index.ts"
import { outputs } from "../../src/plugins/outputs/index.ts"
import { restarters } from "../../src/plugins/restarters/index.ts"
import { openKeys } from "../../src/record/vault.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

const dayMs = 86_400_000
const start = Date.parse("2026-03-02T12:00:00Z")

/** Both clocks in hand. A pause ends at once when it is woken; else, once nothing is under way any more, the clocks move on. */
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
      while (this.busy > 0 && signal?.aborted !== true) await new Promise((resolve) => setImmediate(resolve))
      if (signal?.aborted === true) return
      this.wall += ms
      this.monotonic += ms
      this.onPause()
    },
  }
}

async function open(folder: string, clock: Clock, environments: string, stop: AbortSignal): Promise<App> {
  const file = join(folder, "mycelium.yaml")
  await writeFile(file, `project: test\nstore: ./store\nschedule: "0 3 * * *"\nrotate_every: 2d\nenvironments:\n${environments}`, { mode: 0o600 })
  await mkdir(join(folder, "store"), { recursive: true, mode: 0o700 })
  const plugins = { drivers, outputs, restarters, healths }
  const config = await loadConfig(file, plugins, { env: () => undefined, parseSchedule })
  const identity = await newIdentity()
  const keys = await openKeys(config.store, { identities: [identity], recipients: [await recipientOf(identity)] }, true)
  return { config, plugins, host: clock.host, keys, actor: { user: "test", via: "test" }, holder: "test", tell: () => undefined, turns: new Turns(8), stop }
}

type Turned = { readonly environment: string; readonly at: number; readonly rotated: boolean }

/** Runs the service until `until` says so; tells each turn with its instant. */
async function serve(app: App, clock: Clock, stop: AbortController, until: (turns: readonly Turned[]) => boolean): Promise<{ readonly turns: readonly Turned[]; readonly clocks: readonly boolean[]; readonly failed: readonly string[] }> {
  const turns: Turned[] = []
  const clocks: boolean[] = []
  const failed: string[] = []
  const look = (): void => void (until(turns) ? stop.abort() : undefined)
  const watch: Watch = {
    turned: (environment, { outcomes }) => {
      turns.push({ environment, at: clock.wall, rotated: Object.values(outcomes).some((one) => one.is === "rotated") })
      look()
    },
    failed: (environment, code) => {
      failed.push(`${environment} ${code}`)
      look()
    },
    clock: (steady) => clocks.push(steady),
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
function counting(clock: Clock): typeof takeTurn {
  return async (app, environment, how) => {
    clock.busy++
    try {
      return await takeTurn(app, environment, how)
    } finally {
      clock.busy--
    }
  }
}

async function firstValues(app: App): Promise<void> {
  for (const name of Object.keys(app.config.environments)) await rotateNow(app, name, { why: "new", skipGrace: false, waitMs: 0 })
}
const plain = (count: number): string => Array.from({ length: count }, (_, index) => `  e${index}: { secrets: { k: generated } }\n`).join("")

test("the service rotates at the last tick before a secret is too old, for weeks, and no more often", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = new Clock()
  const app = await open(folder.path, clock, plain(1), stop.signal)
  await firstValues(app)
  const { turns } = await serve(app, clock, stop, () => clock.wall > start + 20 * dayMs)
  const rotations = turns.filter(({ rotated }) => rotated).map(({ at }) => new Date(at).toISOString().slice(0, 13))
  expect(rotations.slice(0, 4)).toEqual(["2026-03-04T03", "2026-03-06T03", "2026-03-08T03", "2026-03-10T03"])
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
  const { turns } = await serve(app, clock, stop, (all) => all.filter(({ rotated }) => rotated).length >= 70 || clock.wall > began + 10 * 60_000)
  const rotated = turns.filter((turn) => turn.rotated)
  expect(rotated).toHaveLength(70)
  expect(new Set(rotated.map(({ environment }) => environment)).size).toBe(70)
  const minutes = rotated.map(({ at }) => Math.floor((at - began) / 60_000))
  expect([0, 1, 2].map((minute) => minutes.filter((one) => one === minute).length)).toEqual([30, 30, 10])
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

test("an environment whose state is broken is reported, and delays no other", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = new Clock()
  const app = await open(folder.path, clock, plain(3), stop.signal)
  await firstValues(app)
  await writeFile(join(folder.path, "store/secrets/test/e1.json"), '{"format":1,')
  const { turns, failed } = await serve(app, clock, stop, (all) => new Set(all.filter(({ rotated }) => rotated).map(({ environment }) => environment)).size >= 2)
  expect(new Set(turns.filter(({ rotated }) => rotated).map(({ environment }) => environment))).toEqual(new Set(["e0", "e2"]))
  expect(failed[0]).toBe("e1 state-broken")
})
