import type { App } from "../app/app.ts"
import type { ServiceEvents } from "../app/service/events.ts"
import type { Step } from "../app/timed.ts"
import type { Outcome, Outcomes } from "../rotate/work.ts"
import { familiesOf } from "./families.ts"
import { type Figures, figuresOf } from "./figures.ts"
import { type Ended, ProcessMetrics } from "./process.ts"

/** What the service tells, as metrics. */

type Of = Pick<App, "config" | "host">
type How = { readonly version: string; readonly isService: boolean }

const endedOf: Readonly<Record<Outcome["kind"], Ended>> = {
  rotated: "rotated",
  "rolled-back": "rolled_back",
  left: "left",
  waiting: "waiting",
  stuck: "stuck",
}

export class Observer {
  #app: Of
  readonly #process: ProcessMetrics
  #seen = new Map<string, Figures>()
  /** Environments whose last run could not begin, or ended early. */
  readonly #failed = new Set<string>()
  #roundAt: number | undefined
  #isSteady = true
  #isReloaded = true

  constructor(app: Of, { version, isService }: How) {
    this.#app = app
    this.#process = new ProcessMetrics({ project: app.config.project, version, isService })
  }

  /** Another config. What was counted stays, of the environments that it has. */
  reload(app: Of): void {
    this.#app = app
    this.#isReloaded = true
    const names = Object.keys(app.config.environments)
    const kept = names.flatMap((name) => {
      const seen = this.#seen.get(name)
      return seen === undefined ? [] : [[name, seen] as const]
    })
    this.#seen = new Map(kept)
    for (const name of this.#failed) if (!names.includes(name)) this.#failed.delete(name)
  }

  /** The config on the disk was refused: the old one stays. */
  notReloaded(): void {
    this.#isReloaded = false
  }

  took(step: Step, ms: number): void {
    this.#process.took(step, ms)
  }

  readonly events: Pick<ServiceEvents, "turned" | "failed" | "clock" | "round"> &
    Required<Pick<ServiceEvents, "standing" | "endedFirst">> = {
    standing: (environment, document) => {
      // A run that began by an earlier config may end now.
      if (this.#app.config.environments[environment] !== undefined)
        this.#seen.set(environment, figuresOf(this.#app, environment, document))
    },
    turned: (environment, turn) => {
      this.#failed.delete(environment)
      this.#count(turn.outcomes)
    },
    endedFirst: (_, outcomes) => this.#count(outcomes),
    failed: (environment) => {
      this.#failed.add(environment)
      // Its state may never have been read.
      if (!this.#seen.has(environment)) this.events.standing(environment, undefined)
      this.#process.ended("failed")
    },
    clock: (isSteady) => {
      this.#isSteady = isSteady
    },
    round: () => {
      this.#roundAt = this.#app.host.now().getTime()
    },
  }

  #count(outcomes: Outcomes): void {
    for (const { kind } of Object.values(outcomes)) this.#process.ended(endedOf[kind])
  }

  /**
   * Numbers that lie among what the reading of ten thousand states has left keep all of those pages
   * in use: as text they wait until `giveBack` has returned them.
   */
  pack(giveBack: () => void): void {
    const text = JSON.stringify([...this.#seen])
    this.#seen = new Map()
    giveBack()
    this.#seen = new Map(JSON.parse(text) as [string, Figures][])
  }

  /** The text, in pieces. */
  async *text(): AsyncGenerator<string> {
    const { project, environments } = this.#app.config
    yield await this.#process.text({
      environments: Object.keys(environments).length,
      roundAt: this.#roundAt,
      isSteady: this.#isSteady,
      isReloaded: this.#isReloaded,
    })
    yield* familiesOf(this.#seen, {
      project,
      nowMs: this.#app.host.now().getTime(),
      failed: this.#failed,
    })
  }
}
