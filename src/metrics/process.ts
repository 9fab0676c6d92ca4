import { Counter, Gauge, Histogram, Registry } from "prom-client"
import type { Step } from "../app/timed.ts"

/**
 * What is measured of the process as a whole: as many series as the program has names for, however
 * many environments there are.
 */

/** From a login to a restart that takes minutes (s). */
const bounds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]
const steps: readonly Step[] = ["apply", "login", "restart", "revoke"]

const outcomes = ["rotated", "rolled_back", "left", "waiting", "stuck", "failed"] as const
export type Ended = (typeof outcomes)[number]

export type Facts = {
  readonly environments: number
  /** When the last round ended, by the wall clock (ms); undefined: none has. */
  readonly roundAt: number | undefined
  readonly isSteady: boolean
  readonly isReloaded: boolean
}
type Of = {
  readonly project: string
  readonly version: string
  /** False: a run that ends by itself, of which only what it has found is told. */
  readonly isService: boolean
}

export class ProcessMetrics {
  readonly #registry = new Registry()
  readonly #isService: boolean
  readonly #durations: Histogram<"step">
  readonly #ended: Counter<"outcome">
  readonly #environments: Gauge
  readonly #endedAt: Gauge
  readonly #steady: Gauge
  readonly #reloaded: Gauge

  constructor({ project, version, isService }: Of) {
    this.#isService = isService
    const registers = [this.#registry]
    this.#registry.setDefaultLabels({ project })
    const gauge = (name: string, help: string): Gauge =>
      new Gauge({ name: `mycelium_${name}`, help, registers })
    new Gauge({
      name: "mycelium_build_info",
      help: "Always 1; its label tells the version.",
      labelNames: ["version"],
      registers,
    }).set({ version }, 1)
    this.#environments = gauge("environments", "Environments in the config.")
    this.#endedAt = isService
      ? gauge("last_round_timestamp_seconds", "When the service last went round: once a minute.")
      : gauge("last_run_timestamp_seconds", "When mycelium run --once ended.")
    this.#steady = gauge("clock_steady", "0: the wall clock has leapt, so nothing is due.")
    this.#reloaded = gauge("config_last_reload_successful", "0: the config on disk was refused.")
    const ofService = isService ? registers : []
    this.#durations = new Histogram({
      name: "mycelium_step_duration_seconds",
      help: "How long an act at a service took, or a restart until its program was healthy.",
      labelNames: ["step"],
      buckets: bounds,
      registers: ofService,
    })
    this.#ended = new Counter({
      name: "mycelium_rotations_total",
      help:
        "Rotations of a secret that this process has tried; failed: " +
        "a run of an environment that could not begin or ended early.",
      labelNames: ["outcome"],
      registers: ofService,
    })
    for (const outcome of outcomes) this.#ended.inc({ outcome }, 0)
    for (const step of steps) this.#durations.zero({ step })
    if (isService) addProcess(this.#registry)
  }

  took(step: Step, ms: number): void {
    if (this.#isService) this.#durations.observe({ step }, ms / 1000)
  }

  ended(outcome: Ended): void {
    this.#ended.inc({ outcome })
  }

  text({ environments, roundAt, isSteady, isReloaded }: Facts): Promise<string> {
    this.#environments.set(environments)
    if (roundAt !== undefined) this.#endedAt.set(roundAt / 1000)
    this.#steady.set(Number(isSteady))
    this.#reloaded.set(Number(isReloaded))
    return this.#registry.metrics()
  }
}

/** By the names that every exporter has. Asked for at a request, and at no other time. */
function addProcess(registry: Registry): void {
  const registers: Registry[] = []
  const all = [
    new Gauge({
      name: "process_start_time_seconds",
      help: "When the process began.",
      registers,
      collect() {
        this.set(performance.timeOrigin / 1000)
      },
    }),
    new Gauge({
      name: "process_resident_memory_bytes",
      help: "Memory that the process holds.",
      registers,
      collect() {
        this.set(process.memoryUsage.rss())
      },
    }),
    new Counter({
      name: "process_cpu_seconds_total",
      help: "Processor time that the process has taken.",
      registers,
      collect() {
        const { user, system } = process.cpuUsage()
        this.reset()
        this.inc((user + system) / 1_000_000)
      },
    }),
  ]
  for (const one of all) registry.registerMetric(one)
}
