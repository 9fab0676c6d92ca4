import type { App } from "../../src/app/app.ts"
import { Daemon } from "../../src/app/service/daemon.ts"
import type { ServiceEvents } from "../../src/app/service/events.ts"
import { runEnvironment } from "../../src/app/service/environment-run.ts"
import { rotateNow } from "../../src/app/rotate-now.ts"
import type { Host } from "../../src/base/system/host.ts"
import { openApp } from "./open-app.ts"

export const dayMs = 86_400_000
export const start = Date.parse("2026-03-02T12:00:00Z")

/**
 * Both clocks, controlled by the test. A pause ends at once when it is woken; otherwise the clocks
 * move on once nothing is under way.
 */
export class Clock {
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

export function open(
  folder: string,
  clock: Clock,
  environments: string,
  stop: AbortSignal,
): Promise<App> {
  return openApp(
    folder,
    `project: test\nstore: ./store\nschedule: "0 3 * * *"\nrotate_every: 2d\nenvironments:\n${environments}`,
    { host: clock.host, stop },
  )
}

/** Events that no test looks at. */
export const quiet: ServiceEvents = {
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

type Turned = { readonly environment: string; readonly at: number; readonly rotated: boolean }

/** Runs the service until `until` is true; returns each turn with its instant. */
export async function serve(
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
    ...quiet,
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
export function counting(clock: Clock): typeof runEnvironment {
  return async (app, environment, how) => {
    clock.busy++
    try {
      return await runEnvironment(app, environment, how)
    } finally {
      clock.busy--
    }
  }
}

export async function firstValues(app: App): Promise<void> {
  for (const name of Object.keys(app.config.environments))
    await rotateNow(app, name, { why: "new", skipGrace: false, waitMs: 0 })
}
export const plain = (count: number): string =>
  Array.from({ length: count }, (_, index) => `  e${index}: { secrets: { k: generated } }\n`).join(
    "",
  )
