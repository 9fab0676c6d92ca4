import { describeError } from "../../base/error.ts"
import { MountGate } from "../../base/files/mount-gate.ts"
import type { App } from "../app.ts"
import { lookAgainMs } from "./clock-watch.ts"
import type { ServiceEvents } from "./events.ts"
import type { lookAtOutputs } from "./look-at-outputs.ts"
import { firstLookAt, frequentMs, never, spread, watchMsOf } from "./look-times.ts"
import { type Seen, type Unclear, hasServices, type lookForDrift } from "./look-for-drift.ts"

/** Environments looked at side by side. */
const sideBySide = 4
/** A look that was not possible, since the environment was worked on, is made up for so much later. */
const makeUpMs = 60_000
/** Of most environments: one object for all saves megabytes if there are 10,000. */
const nothingUnclear: ReadonlyMap<string, string> = new Map()

type Look = {
  readonly environment: string
  /** When the current values are tried next, by the clock that never leaps. */
  dueAt: number
  isRunning: boolean
  /** By secret: why the last look learnt nothing. */
  unclear: ReadonlyMap<string, string>
  /** Why the last look failed, so that it is told once. */
  fault: string
  /** Of the files of its outputs, as they were looked at last. */
  marks: string
}

export type LookEnd = {
  readonly hasDrifted: boolean
  /** The timer must be set anew, or a state be read, for what this look has found. */
  readonly needsRound: boolean
}

/** What is looked at: services, and the files that show their values. */
export type Looks = {
  readonly services: typeof lookForDrift
  readonly outputs: typeof lookAtOutputs
}

type Options = Looks & {
  readonly isSteady: () => boolean
  /** An environment that is worked on is not looked at. */
  readonly isRunning: (environment: string) => boolean
  readonly onEnd: (environment: string, end: LookEnd) => void
}

/**
 * Looks from time to time whether each service still takes the current values, and whether files
 * still show them. A server that hangs holds up the looks at its own environment, and nothing else.
 */
export class DriftWatch {
  #app: App
  readonly #events: ServiceEvents
  readonly #options: Options
  #looks: readonly Look[]
  /** Due, and waiting for a place. */
  #queue: Look[] = []
  readonly #running = new Set<Promise<void>>()
  #gate: { readonly gate: MountGate; readonly since: number } | undefined

  constructor(app: App, events: ServiceEvents, options: Options) {
    this.#app = app
    this.#events = events
    this.#options = options
    this.#looks = looksOf(app, [])
  }

  reload(app: App): void {
    this.#app = app
    this.#looks = looksOf(app, this.#looks)
    this.#queue = []
  }

  async finish(): Promise<void> {
    await Promise.all(this.#running)
  }

  /** Begins the looks that are due; returns how long (ms) until the next frequent one. */
  begin(): number {
    const now = this.#app.host.monotonicMs()
    this.#queue = this.#looks.filter((look) => look.dueAt <= now && this.#mayBegin(look))
    this.#beginQueued()
    // One that is due, and has found no place, gets that of the first look that ends.
    let nextMs = never
    for (const look of this.#looks)
      if (!look.isRunning && look.dueAt > now && this.#isFrequent(look))
        nextMs = Math.min(nextMs, look.dueAt - now)
    return nextMs
  }

  #mayBegin({ environment, isRunning }: Look): boolean {
    return !isRunning && !this.#options.isRunning(environment)
  }

  #isFrequent({ environment }: Look): boolean {
    return (watchMsOf(this.#app, environment) ?? frequentMs) < frequentMs
  }

  #beginQueued(): void {
    while (this.#running.size < sideBySide && !this.#app.stop.aborted) {
      const look = this.#queue.shift()
      if (look === undefined) return
      if (this.#mayBegin(look)) this.#begin(look)
    }
  }

  #begin(look: Look): void {
    look.isRunning = true
    const running = this.#look(look).then((end) => {
      look.isRunning = false
      this.#running.delete(running)
      this.#beginQueued()
      this.#options.onEnd(look.environment, end)
    })
    this.#running.add(running)
  }

  async #look(look: Look): Promise<LookEnd> {
    const { environment } = look
    const asksServices = hasServices(this.#app, environment)
    if (
      watchMsOf(this.#app, environment) === null ||
      (!asksServices && !hasFiles(this.#app, environment))
    ) {
      look.dueAt = never
      return { hasDrifted: false, needsRound: false }
    }
    const seen = await this.#ask(look, asksServices)
    look.dueAt = this.#nextLookAt(environment, seen)
    const hasDrifted = seen?.some(({ kind }) => kind !== "unknown") === true
    return {
      hasDrifted,
      needsRound: hasDrifted || seen === undefined || this.#isFrequent(look),
    }
  }

  /** undefined: not now, for the environment is worked on. */
  async #ask(look: Look, asksServices: boolean): Promise<readonly Seen[] | undefined> {
    const app = this.#app
    const { environment } = look
    try {
      const shown = await this.#lookAtOutputs(look)
      const seen = asksServices
        ? await this.#options.services(app, environment, this.#options.isSteady)
        : shown
      for (const one of seen ?? [])
        if (one.kind !== "unknown") this.#events.drifted(environment, one)
      if (seen !== undefined && !app.stop.aborted) this.#tellUnclear(look, seen)
      look.fault = ""
      return seen
    } catch (error) {
      const { code, message } = describeError(error)
      if (!app.stop.aborted && look.fault !== code) this.#events.failed(environment, code, message)
      look.fault = code
      return []
    }
  }

  /** Nothing that a service said; undefined: not now. */
  async #lookAtOutputs(look: Look): Promise<readonly [] | undefined> {
    const { environment, marks: before } = look
    if (!hasFiles(this.#app, environment)) return []
    const found = await this.#options.outputs(this.#appWithGate(), environment, {
      before,
      isSteady: this.#options.isSteady,
    })
    if (found === undefined) return undefined
    look.marks = found.marks
    for (const one of found.changes) if (one.same !== true) this.#events.shown(environment, one)
    return []
  }

  /** Each mount is asked at most once a minute. */
  #appWithGate(): App {
    const now = this.#app.host.monotonicMs()
    if (this.#gate === undefined || now - this.#gate.since >= lookAgainMs)
      this.#gate = { gate: new MountGate(), since: now }
    return { ...this.#app, gate: this.#app.gate ?? this.#gate.gate }
  }

  /** Each once, until it changes or is over. */
  #tellUnclear(look: Look, seen: readonly Seen[]): void {
    const found = seen.filter((one): one is Unclear => one.kind === "unknown")
    const now = new Map(found.map((one) => [one.secret, one.code]))
    for (const one of found)
      if (look.unclear.get(one.secret) !== one.code)
        this.#events.unclear(look.environment, one.secret, one)
    for (const secret of look.unclear.keys())
      if (!now.has(secret)) this.#events.unclear(look.environment, secret, undefined)
    look.unclear = now.size === 0 ? nothingUnclear : now
  }

  /** By the present config: one that came meanwhile may want the next look sooner, or none. */
  #nextLookAt(environment: string, seen: readonly Seen[] | undefined): number {
    const everyMs = watchMsOf(this.#app, environment)
    if (everyMs === null) return never
    const waitMs = seen === undefined ? Math.min(makeUpMs, everyMs) : spread(this.#app, everyMs)
    return this.#app.host.monotonicMs() + waitMs
  }
}

function looksOf(app: App, before: readonly Look[]): readonly Look[] {
  const known = new Map(before.map((look) => [look.environment, look]))
  return Object.keys(app.config.environments).map((environment) => {
    const dueAt = firstLookAt(app, environment)
    const look = known.get(environment)
    if (look === undefined)
      return { environment, dueAt, isRunning: false, unclear: nothingUnclear, fault: "", marks: "" }
    look.dueAt = dueAt === never ? never : Math.min(look.dueAt, dueAt)
    return look
  })
}

function hasFiles({ config }: App, environment: string): boolean {
  return config.environments[environment]?.outputs.some(({ entry }) => entry !== true) === true
}
