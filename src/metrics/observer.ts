import type { App } from "../app/app.ts"
import type { EnvironmentRun } from "../app/service/environment-run.ts"
import type { ServiceEvents } from "../app/service/events.ts"
import type { Step } from "../app/timed.ts"
import type { Outcome } from "../rotate/work.ts"
import { type Ended, type Seen, familiesOf, nothingEnded } from "./families.ts"
import { type Figures, figuresOf } from "./figures.ts"
import { ProcessMetrics } from "./process.ts"

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
const noFigures: Figures = { secrets: [], troubles: [], revokes: [], attempts: 0 }

export class Observer {
  #app: Of
  readonly #isService: boolean
  readonly #process: ProcessMetrics
  #seen = new Map<string, Seen>()
  /** Environments whose last run could not begin, or ended early. */
  readonly #failed = new Set<string>()
  #roundAt: number | undefined
  #isSteady = true
  #isReloaded = true

  constructor(app: Of, { version, isService }: How) {
    this.#app = app
    this.#isService = isService
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
    Required<Pick<ServiceEvents, "standing">> = {
    standing: (environment, document) => {
      const figures = figuresOf(this.#app, environment, document)
      this.#set(environment, { figures })
    },
    turned: (environment, turn) => {
      this.#failed.delete(environment)
      this.#count(environment, outcomesOf(turn))
    },
    failed: (environment) => {
      this.#failed.add(environment)
      this.#count(environment, ["failed"])
    },
    clock: (isSteady) => {
      this.#isSteady = isSteady
    },
    round: () => {
      this.#roundAt = this.#app.host.now().getTime()
    },
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
      counts: this.#isService,
      failed: this.#failed,
    })
  }

  #count(environment: string, endings: readonly Ended[]): void {
    if (endings.length === 0) return
    const ended = { ...(this.#seen.get(environment)?.ended ?? nothingEnded) }
    for (const ending of endings) ended[ending]++
    this.#set(environment, { ended })
  }

  #set(environment: string, part: Partial<Seen>): void {
    // A run that began by an earlier config may end now.
    if (this.#app.config.environments[environment] === undefined) return
    const before = this.#seen.get(environment) ?? { figures: noFigures, ended: nothingEnded }
    this.#seen.set(environment, { ...before, ...part })
  }
}

function outcomesOf({ outcomes }: EnvironmentRun): readonly Ended[] {
  return Object.values(outcomes).map(({ kind }) => endedOf[kind])
}
