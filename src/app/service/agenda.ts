import { statSync } from "node:fs"
import { systemCode } from "../../base/error.ts"
import { isBeforeUs } from "../../core/instants.ts"
import type { Agenda } from "../../plan/agenda.ts"
import { driftedIn } from "../../plan/drifted.ts"
import { readState, statePath } from "../../record/state-file.ts"
import type { App } from "../app.ts"
import { type ClockWatch, lookAgainMs } from "./clock-watch.ts"
import { type EnvironmentRun, agendaOf } from "./environment-run.ts"
import type { Next, ServiceEvents } from "./events.ts"
import { type Told, nothingTold, tellLeft } from "./tell-left.ts"
import { soonMs, tryAgainMs } from "./try-again.ts"

const never = Number.POSITIVE_INFINITY
const none: readonly string[] = []

export type Entry = {
  readonly environment: string
  /** When there may be something to do, by the wall clock. */
  nextAt: number
  /** Since when the longest overdue secret waits. */
  dueSince: number
  /** Runs in a row that left something open. */
  failures: number
  isRunning: boolean
  /** Of the state file as last read: unchanged, it need not be read again. */
  fileVersion: string
  /** Secrets whose service refuses the current value, by the state. */
  drifted: readonly string[]
  told: Told
}

/**
 * When each environment has something to do, by its state file. This only chooses: a run looks
 * again, under its lock.
 */
export class ServiceAgenda {
  #app: App
  readonly #events: ServiceEvents
  readonly #clock: ClockWatch
  #entries: ReadonlyMap<string, Entry> = new Map()

  constructor(app: App, events: ServiceEvents, clock: ClockWatch) {
    this.#app = app
    this.#events = events
    this.#clock = clock
    this.reload(app)
  }

  /** Each environment is looked at anew, by the config that came. */
  reload(app: App): void {
    this.#app = app
    this.#entries = new Map(
      Object.keys(app.config.environments).map((environment) => {
        const known = this.#entries.get(environment) ?? freshEntry(environment)
        return [environment, Object.assign(known, { nextAt: 0, failures: 0 })]
      }),
    )
  }

  /** All instants here are of a clock that was stepped since: each state is read anew. */
  forget(): void {
    for (const entry of this.#entries.values()) Object.assign(entry, { nextAt: 0, fileVersion: "" })
  }

  /** Its state has changed: it is read again in the next round. */
  reread(environment: string): void {
    const entry = this.#entries.get(environment)
    if (entry !== undefined) entry.fileVersion = ""
  }

  /** Reads each state that has changed, or that may hold something to do. */
  async refresh(now: number): Promise<void> {
    // One after the other: ten thousand documents at once would take a hundred megabytes, for good.
    for (const entry of this.#entries.values())
      if (!entry.isRunning) await this.#refreshEntry(entry, now)
  }

  async #refreshEntry(entry: Entry, now: number): Promise<void> {
    const { store, project, environments } = this.#app.config
    const options = environments[entry.environment]
    if (options === undefined) return
    // What failed is told at once, and tried again later.
    const waits = entry.failures > 0 && entry.nextAt > now
    try {
      const place = { store, project, environment: entry.environment }
      const fileVersion = fileVersionOf(statePath(place))
      if (fileVersion === entry.fileVersion && entry.nextAt > now) return
      entry.fileVersion = fileVersion
      const document = fileVersion === "" ? undefined : await readState(place)
      const found = agendaOf(document, options, this.#app.host)
      const drifted = driftedIn(document, options.secrets, new Date(now))
      entry.drifted = drifted.length === 0 ? none : drifted.map(({ secret }) => secret)
      const left = { document, now: new Date(now) }
      entry.told = tellLeft(this.#events, entry.environment, left, entry.told)
      this.#events.standing?.(entry.environment, document)
      if (!waits) this.#plan(entry, found, now)
    } catch {
      // The run finds the same fault, and reports it.
      if (!waits) entry.nextAt = now
    }
  }

  #plan(entry: Entry, found: Agenda, now: number): void {
    if (found.aheadMs > 0) this.#clock.doubt()
    const acts = found.due.length > 0 || (found.aheadMs > 0 && !isBeforeUs(new Date(now)))
    const due = this.#clock.isSteady && acts
    entry.dueSince = due ? (found.dueSince?.getTime() ?? now) : now
    entry.nextAt =
      due || found.owed ? Math.min(now, entry.nextAt) : (found.nextAt?.getTime() ?? never)
    if (!this.#clock.isSteady && acts) entry.nextAt = Math.min(entry.nextAt, now + lookAgainMs)
  }

  /** Environments with something to do now, the longest overdue first. */
  due(now: number): readonly Entry[] {
    return [...this.#entries.values()]
      .filter(({ isRunning, nextAt }) => !isRunning && nextAt <= now)
      .sort((one, other) => one.dueSince - other.dueSince)
  }

  isRunning(environment: string): boolean {
    return this.#entries.get(environment)?.isRunning === true
  }

  begin(entry: Entry): void {
    entry.isRunning = true
  }

  /** undefined: the run failed. */
  end(entry: Entry, run: EnvironmentRun | undefined): void {
    entry.isRunning = false
    entry.fileVersion = ""
    const isOpen =
      run === undefined || run.agenda.owed || (this.#clock.isSteady && run.agenda.due.length > 0)
    entry.failures = isOpen ? entry.failures + 1 : 0
    const next = run?.agenda.nextAt?.getTime() ?? never
    // What is due beside it does not wait for what only a person can end.
    entry.nextAt = isOpen
      ? Math.min(next, this.#app.host.now().getTime() + againMs(run, entry.failures))
      : next
  }

  /** The environment that may have something to do first. */
  next(): Next | undefined {
    let first: Entry | undefined
    for (const entry of this.#entries.values())
      if (entry.nextAt < (first?.nextAt ?? never)) first = entry
    return first && { environment: first.environment, at: new Date(first.nextAt) }
  }

  /** When the first one that has nothing to do now may have something. */
  nextAfter(now: number): number {
    let first = never
    for (const { isRunning, nextAt } of this.#entries.values())
      if (!isRunning && nextAt > now) first = Math.min(first, nextAt)
    return first
  }

  /** "production/postgres": its service refuses the current value. */
  drifted(): readonly string[] {
    return [...this.#entries.values()].flatMap(({ environment, drifted }) =>
      drifted.map((secret) => `${environment}/${secret}`),
    )
  }
}

function freshEntry(environment: string): Entry {
  return {
    environment,
    nextAt: 0,
    dueSince: 0,
    failures: 0,
    isRunning: false,
    fileVersion: "",
    drifted: none,
    told: nothingTold,
  }
}

function againMs(run: EnvironmentRun | undefined, failures: number): number {
  return run === undefined ? soonMs(failures) : tryAgainMs(run, failures)
}

/**
 * Changes whenever the file is replaced; "" if there is none. Not async: ten thousand looks would be
 * as many wake-ups.
 */
function fileVersionOf(path: string): string {
  try {
    const { ino, mtimeMs } = statSync(path)
    return `${ino} ${mtimeMs}`
  } catch (error) {
    if (systemCode(error) === "ENOENT") return ""
    throw error
  }
}
