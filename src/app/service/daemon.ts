import { describeError } from "../../base/error.ts"
import type { App } from "../app.ts"
import { hearEndedFirst } from "../ended-first.ts"
import { type Entry, ServiceAgenda } from "./agenda.ts"
import { CatchUp } from "./catch-up.ts"
import { ClockWatch, lookAgainMs } from "./clock-watch.ts"
import { DriftWatch, type LookEnd, type Looks } from "./drift-watch.ts"
import { type EnvironmentRun, runEnvironment } from "./environment-run.ts"
import type { ServiceEvents } from "./events.ts"
import { lookAtOutputs } from "./look-at-outputs.ts"
import { lookForDrift } from "./look-for-drift.ts"

/** Environments worked on side by side. */
const sideBySide = 4

/**
 * The service: one timer for all environments. Each round compares the clocks, reads the states that
 * have changed, and begins the runs and the looks that are due. Ends when asked to stop.
 */
export class Daemon {
  #app: App
  readonly #events: ServiceEvents
  readonly #runEnvironment: typeof runEnvironment
  readonly #clock: ClockWatch
  readonly #agenda: ServiceAgenda
  readonly #drift: DriftWatch
  readonly #catchUp: CatchUp
  readonly #running = new Set<Promise<void>>()
  #wake: () => void = () => undefined
  /** Something happened since the round began: another one follows before any pause. */
  #again = false

  /** `run` and `looks` are parameters for tests that hold the clock in their hand. */
  constructor(
    app: App,
    events: ServiceEvents,
    run: typeof runEnvironment = runEnvironment,
    looks: Looks = { services: lookForDrift, outputs: lookAtOutputs },
  ) {
    this.#app = app
    this.#events = events
    this.#runEnvironment = run
    this.#clock = new ClockWatch(app.host, events)
    this.#agenda = new ServiceAgenda(app, events, this.#clock)
    this.#catchUp = new CatchUp(app.host)
    this.#drift = new DriftWatch(app, events, {
      ...looks,
      isSteady: () => this.#clock.isSteady,
      isRunning: (environment) => this.#agenda.isRunning(environment),
      onEnd: (environment, end) => this.#lookEnded(environment, end),
    })
  }

  /** Another config: what runs goes on with the old one, what begins uses the new one. */
  reload(app: App): void {
    this.#app = app
    this.#agenda.reload(app)
    this.#drift.reload(app)
    this.#goRound()
  }

  async run(): Promise<void> {
    while (!this.#app.stop.aborted) {
      this.#again = false
      const nextAt = await this.#round()
      this.#events.round(this.#agenda.next(), this.#agenda.drifted())
      if (this.#again) continue
      await this.#pauseUntil(nextAt)
    }
    await Promise.all([...this.#running, this.#drift.finish()])
  }

  /** Begins what is due; returns when the next round is. */
  async #round(): Promise<number> {
    const now = this.#app.host.now().getTime()
    if (this.#clock.look()) this.#agenda.forget()
    await this.#agenda.refresh(now)
    for (const entry of this.#agenda.due(now)) {
      if (this.#running.size >= sideBySide) break
      if (this.#catchUp.admits(entry.dueSince)) this.#begin(entry)
    }
    return Math.min(now + lookAgainMs, now + this.#drift.begin(), this.#agenda.nextAfter(now))
  }

  #begin(entry: Entry): void {
    this.#agenda.begin(entry)
    const running = this.#run(entry).then((run) => {
      this.#agenda.end(entry, run)
      this.#running.delete(running)
      this.#goRound()
    })
    this.#running.add(running)
  }

  /** undefined: it failed, and was told. */
  async #run({ environment }: Entry): Promise<EnvironmentRun | undefined> {
    const { app, ended } = hearEndedFirst(this.#app)
    try {
      const run = await this.#runEnvironment(app, environment, { rotate: this.#clock.isSteady })
      this.#events.turned(environment, run)
      return run
    } catch (error) {
      this.#events.endedFirst?.(environment, ended())
      const { code, message, hint } = describeError(error)
      if (!app.stop.aborted) this.#events.failed(environment, code, message)
      else if (code === "stopped" && hint !== undefined)
        (app.notice ?? app.onProgress)(
          environment,
          "interrupted",
          `${message}; the next start goes on with it`,
        )
      return undefined
    }
  }

  /** A round reads every state file: not each look that has found nothing is followed by one. */
  #lookEnded(environment: string, { hasDrifted, needsRound }: LookEnd): void {
    if (hasDrifted) this.#agenda.reread(environment)
    if (needsRound) this.#goRound()
  }

  #goRound(): void {
    this.#again = true
    this.#wake()
  }

  /** The one timer: ends early when a run ends, the config is new, or we are asked to stop. */
  async #pauseUntil(at: number): Promise<void> {
    const early = new AbortController()
    this.#wake = () => early.abort()
    const { host, stop } = this.#app
    const longest = Math.min(lookAgainMs, this.#events.roundEveryMs ?? lookAgainMs)
    const isFull = this.#running.size >= sideBySide
    const ms = isFull ? longest : Math.min(longest, Math.max(1, at - host.now().getTime()))
    await host.pause(ms, AbortSignal.any([early.signal, stop]))
  }
}
