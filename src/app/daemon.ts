import { statSync } from "node:fs"
import { describeError, systemCode } from "../base/error.ts"
import { giveBackMemory } from "../base/system/memory.ts"
import { driftedIn } from "../plan/drifted.ts"
import { type UncontainedSecret, uncontainedSecrets } from "../plan/uncontained.ts"
import { isBeforeUs } from "../core/instants.ts"
import { type Owing, owingIn } from "../core/unwritten.ts"
import { Steadiness } from "../plan/steady.ts"
import { readState, statePath } from "../record/state-file.ts"
import { isOutOfSight } from "../rotate/work.ts"
import { defaultWatchMs } from "../config/model.ts"
import type { App } from "./app.ts"
import { type EnvironmentRun, agendaOf, runEnvironment } from "./environment-run.ts"
import { type Drift, type Unclear, hasServices, watchForDrift } from "./watch.ts"

/** What the service tells the one who watches it. */
export type Watch = {
  readonly turned: (environment: string, turn: EnvironmentRun) => void
  readonly failed: (environment: string, code: string, message: string) => void
  /** The wall clock has leapt, or is before what a state knows of (or runs true again). */
  readonly clock: (steady: boolean, code: "clock-leapt" | "clock-behind") => void
  /** A service has begun to refuse a current value, or takes it again: once a change. */
  readonly drifted: (environment: string, drift: Drift) => void
  /**
   * Whether a service takes a current value cannot be told; undefined: it can again. Once a change.
   */
  readonly unclear: (environment: string, secret: string, why: Unclear | undefined) => void
  /** What a containment has left, by the state: once a change, and at the start. */
  readonly uncontained: (environment: string, left: readonly UncontainedSecret[]) => void
  /** What a containment could not write, by the state: once a change, and at the start. */
  readonly unwritten: (environment: string, left: readonly Owing[]) => void
  /**
   * Each time that the loop has gone round. `next`: where there may be something to do first;
   * undefined: nowhere, as things stand. `drifted`: "production/postgres", whose service refuses
   * the current value.
   */
  readonly round: (
    next: { readonly environment: string; readonly at: Date } | undefined,
    drifted: readonly string[],
  ) => void
  /** The loop goes round no less often: who watches wants to see it. */
  readonly roundEveryMs?: number
}

/**
 * The clock and the state files are looked at no less often: clocks leap, and other processes leave
 * work in the state.
 */
const lookAgainMs = 60_000
/** Environments worked on at once. */
const sideBySide = 4
/** A look that someone's work stood in the way of is made up for so much later. */
const watchAgainMs = 60_000
/**
 * The timer is shortened for frequent looks only; others are seen to whenever it fires, once a
 * minute at least.
 */
const frequentMs = 600_000
/**
 * Ticks that were missed while off are caught up by so many environments a minute, the oldest
 * first.
 */
const catchUpPerMinute = 30

/** So many turns leave something that is worth collecting. */
const burst = 100

type Slot = {
  readonly name: string
  /** When there may be something to do; what `agendaOf` last said. */
  nextAt: number
  /** Since when the longest overdue secret waits. */
  dueSince: number
  failures: number
  running: boolean
  /** Of the state file as last read: unchanged, it need not be read again. */
  fileVersion: string
  /** Secrets whose service refuses the current value, by the state. */
  drifted: readonly string[]
  /** What was last said to be not contained, as text. */
  uncontained: string
  /** The same of outputs that are owed. */
  unwritten: string
  /** When the current values are tried next, by the clock that never leaps. */
  watchAt: number
  watching: boolean
  /** By secret: why the last look learnt nothing. */
  unclear: ReadonlyMap<string, string>
  /** Why the last look failed, so that it is told once. */
  watchFault: string
}

/**
 * The service: one timer for all environments; each has its turn when something is due or owed.
 * Ends when asked to stop.
 */
export class Daemon {
  #app: App
  readonly #watch: Watch
  readonly #runEnvironment: typeof runEnvironment
  readonly #watchForDrift: typeof watchForDrift
  readonly #startedAt: number
  readonly #steadiness = new Steadiness()
  readonly #running = new Set<Promise<void>>()
  readonly #watching = new Set<Promise<void>>()
  /** Whose look is due, the first one last; as of the last round. */
  #toWatch: Slot[] = []
  #slots: readonly Slot[]
  #steady = true
  /**
   * How often memory is still to be given back: after a load or a burst of turns, and once more
   * when its last traces are gone.
   */
  #giveBack = 2
  #turnsSince = 0
  #wake: () => void = () => undefined
  /** Something happened since the round began: it is gone round again before any pause. */
  #again = false
  #budget = catchUpPerMinute
  #budgetAt: number

  /** `turn` and `agendaOf` are parameters for those who hold the clock in their hand. */
  constructor(
    app: App,
    watch: Watch,
    turn: typeof runEnvironment = runEnvironment,
    look: typeof watchForDrift = watchForDrift,
  ) {
    this.#app = app
    this.#watch = watch
    this.#runEnvironment = turn
    this.#watchForDrift = look
    this.#startedAt = app.host.now().getTime()
    this.#budgetAt = app.host.monotonicMs()
    this.#slots = slotsOf(app, [])
  }

  /** Another config: what runs goes on with the old one, what begins uses the new one. */
  reload(app: App): void {
    this.#app = app
    this.#slots = slotsOf(app, this.#slots)
    this.#toWatch = []
    this.#giveBack = 2
    this.#poke()
  }

  #poke(): void {
    this.#again = true
    this.#wake()
  }

  async run(): Promise<void> {
    while (!this.#app.stop.aborted) {
      this.#again = false
      const next = await this.#round()
      this.#watch.round(
        this.#next(),
        this.#slots.flatMap(({ name, drifted }) => drifted.map((secret) => `${name}/${secret}`)),
      )
      if (this.#again) continue
      this.#tidyUp()
      await this.#pauseUntil(next)
    }
    await Promise.all([...this.#running, ...this.#watching])
  }

  /** Nothing is under way: what a load or a burst of turns has left goes back to the machine. */
  #tidyUp(): void {
    if (this.#running.size > 0 || this.#watching.size > 0) return
    if (this.#turnsSince >= burst) {
      this.#turnsSince = 0
      this.#giveBack = 2
    }
    if (this.#giveBack === 0) return
    this.#giveBack--
    giveBackMemory()
  }

  /** Starts the turns that are due; returns when to look again. */
  async #round(): Promise<number> {
    const { host } = this.#app
    const now = host.now().getTime()
    this.#look(now)
    const idle = this.#slots.filter((slot) => !slot.running)
    // One after the other: ten thousand documents at once would be a hundred megabytes that never
    // come back.
    for (const slot of idle) await this.#refresh(slot, now)
    const waiting = idle
      .filter((slot) => slot.nextAt <= now)
      .sort((one, other) => one.dueSince - other.dueSince)
    for (const slot of waiting) {
      if (this.#running.size >= sideBySide) break
      if (slot.dueSince < this.#startedAt && !this.#spend()) continue
      this.#begin(slot)
    }
    const future = this.#slots
      .filter((slot) => !slot.running && slot.nextAt > now)
      .map((slot) => slot.nextAt)
    return Math.min(now + lookAgainMs, now + this.#watchDue(), ...future)
  }

  /**
   * Begins the looks that are due; returns how long (ms) until the next frequent one. A dead server
   * holds up its own environment's look and nothing else.
   */
  #watchDue(): number {
    const now = this.#app.host.monotonicMs()
    let next = Number.POSITIVE_INFINITY
    this.#toWatch = this.#slots
      .filter(({ watching, running, watchAt }) => !watching && !running && watchAt <= now)
      .reverse()
    this.#watchOn()
    // One that is due and found no place gets that of the first look that ends.
    for (const slot of this.#slots)
      if (!slot.watching && slot.watchAt > now && this.#isFrequent(slot))
        next = Math.min(next, slot.watchAt - now)
    return next
  }

  #isFrequent({ name }: Slot): boolean {
    return (watchMsOf(this.#app, name) ?? frequentMs) < frequentMs
  }

  #watchOn(): void {
    while (this.#watching.size < sideBySide && !this.#app.stop.aborted) {
      const slot = this.#toWatch.pop()
      if (slot === undefined) return
      if (!slot.watching && !slot.running) this.#beginWatch(slot)
    }
  }

  #beginWatch(slot: Slot): void {
    slot.watching = true
    const look = this.#lookForDrift(slot).then((found) => {
      slot.watching = false
      this.#watching.delete(look)
      this.#watchOn()
      // A round sees to every environment: one for each look would cost the more, the more there
      // are.
      if (found !== "nothing" || this.#isFrequent(slot)) this.#poke()
      else this.#tidyUp()
    })
    this.#watching.add(look)
  }

  async #lookForDrift(slot: Slot): Promise<"nothing" | "drift" | "not now"> {
    const app = this.#app
    const everyMs = watchMsOf(app, slot.name)
    if (everyMs === null || !hasServices(app, slot.name)) {
      slot.watchAt = Number.POSITIVE_INFINITY
      return "nothing"
    }
    let seen: Awaited<ReturnType<typeof watchForDrift>>
    let fault = ""
    try {
      seen = await this.#watchForDrift(app, slot.name, () => this.#steady)
      for (const one of seen ?? []) if (one.kind !== "unknown") this.#watch.drifted(slot.name, one)
      if (seen !== undefined && !app.stop.aborted)
        this.#sayUnclear(
          slot,
          seen.filter((one) => one.kind === "unknown"),
        )
    } catch (error) {
      const { code, message } = describeError(error)
      fault = code
      if (!app.stop.aborted && slot.watchFault !== code)
        this.#watch.failed(slot.name, code, message)
      seen = []
    }
    slot.watchFault = fault
    const drifted = (seen ?? []).some(({ kind }) => kind !== "unknown")
    if (drifted) slot.fileVersion = ""
    // A config that came meanwhile may want the next look sooner, or none.
    const nextMs = watchMsOf(this.#app, slot.name)
    slot.watchAt =
      nextMs === null
        ? Number.POSITIVE_INFINITY
        : app.host.monotonicMs() +
          (seen === undefined ? Math.min(watchAgainMs, nextMs) : spread(app, nextMs))
    return seen === undefined ? "not now" : drifted ? "drift" : "nothing"
  }

  /** Each once, until it changes or is over. */
  #sayUnclear(slot: Slot, found: readonly Unclear[]): void {
    const now = new Map(found.map((one) => [one.secret, one.code]))
    for (const one of found)
      if (slot.unclear.get(one.secret) !== one.code) this.#watch.unclear(slot.name, one.secret, one)
    for (const secret of slot.unclear.keys())
      if (!now.has(secret)) this.#watch.unclear(slot.name, secret, undefined)
    slot.unclear = now
  }

  #next(): { readonly environment: string; readonly at: Date } | undefined {
    let first: Slot | undefined
    for (const slot of this.#slots)
      if (slot.nextAt < (first?.nextAt ?? Number.POSITIVE_INFINITY)) first = slot
    return first === undefined ? undefined : { environment: first.name, at: new Date(first.nextAt) }
  }

  #look(now: number): void {
    const steady = this.#steadiness.observe(now, this.#app.host.monotonicMs())
    if (steady !== this.#steady) this.#watch.clock(steady, "clock-leapt")
    this.#steady = steady
    // All instants of ours are of the clock of before: each state is looked at anew.
    if (this.#steadiness.stepped)
      for (const slot of this.#slots) Object.assign(slot, { nextAt: 0, fileVersion: "" })
  }

  /** A state knows of times that have not come. */
  #doubt(): void {
    this.#steadiness.doubt(this.#app.host.monotonicMs())
    const steady = this.#steadiness.observe(
      this.#app.host.now().getTime(),
      this.#app.host.monotonicMs(),
    )
    if (steady !== this.#steady) this.#watch.clock(steady, "clock-behind")
    this.#steady = steady
  }

  /** Reads an environment's state if it has changed. The turn looks again, under its lock. */
  async #refresh(slot: Slot, now: number): Promise<void> {
    if (slot.failures > 0 && slot.nextAt > now) return
    const options = this.#app.config.environments[slot.name]
    if (options === undefined) return
    const place = {
      store: this.#app.config.store,
      project: this.#app.config.project,
      environment: slot.name,
    }
    try {
      const fileVersion = fileVersionOf(statePath(place))
      if (fileVersion === slot.fileVersion && slot.nextAt > now) return
      slot.fileVersion = fileVersion
      const document = fileVersion === "" ? undefined : await readState(place)
      const found = agendaOf(document, options, this.#app.host)
      slot.drifted = driftedIn(document, options.secrets, new Date(now)).map(({ secret }) => secret)
      this.#sayNotContained(slot, uncontainedSecrets(document, new Date(now)))
      this.#sayUnwritten(slot, owingIn(document))
      if (found.aheadMs > 0) this.#doubt()
      const acts = found.due.length > 0 || (found.aheadMs > 0 && !isBeforeUs(new Date(now)))
      const due = this.#steady && acts
      slot.dueSince = due ? (found.dueSince?.getTime() ?? now) : now
      slot.nextAt =
        due || found.owed
          ? Math.min(now, slot.nextAt)
          : (found.nextAt?.getTime() ?? Number.POSITIVE_INFINITY)
      if (!this.#steady && acts) slot.nextAt = Math.min(slot.nextAt, now + lookAgainMs)
    } catch {
      // The turn finds the same fault, and reports it.
      slot.nextAt = now
    }
  }

  /** No turn ends it, so it is not told by one: once a change, and at the start. */
  #sayNotContained(slot: Slot, left: readonly UncontainedSecret[]): void {
    // Since when is judged by the clock of now: that alone is nothing new.
    const text = left
      .map(({ secret, incident, code }) => JSON.stringify([secret, incident, code]))
      .join()
    if (text !== "" && text !== slot.uncontained) this.#watch.uncontained(slot.name, left)
    slot.uncontained = text
  }

  /** Each turn tries again, and most say nothing new. */
  #sayUnwritten(slot: Slot, left: readonly Owing[]): void {
    const text = left.length === 0 ? "" : JSON.stringify(left)
    if (text !== "" && text !== slot.unwritten) this.#watch.unwritten(slot.name, left)
    slot.unwritten = text
  }

  #begin(slot: Slot): void {
    slot.running = true
    const turn = this.#turn(slot).finally(() => {
      slot.running = false
      this.#turnsSince++
      this.#running.delete(turn)
      this.#poke()
    })
    this.#running.add(turn)
  }

  async #turn(slot: Slot): Promise<void> {
    const app = this.#app
    const now = (): number => app.host.now().getTime()
    try {
      const turn = await this.#runEnvironment(app, slot.name, { rotate: this.#steady })
      this.#watch.turned(slot.name, turn)
      const open = turn.agenda.owed || (this.#steady && turn.agenda.due.length > 0)
      slot.failures = open ? slot.failures + 1 : 0
      slot.nextAt = open
        ? now() + (waitsForPerson(turn) ? lateMs(slot.failures) : soonMs(slot.failures))
        : (turn.agenda.nextAt?.getTime() ?? Number.POSITIVE_INFINITY)
    } catch (error) {
      const { code, message, hint } = describeError(error)
      if (!app.stop.aborted) this.#watch.failed(slot.name, code, message)
      else if (code === "stopped" && hint !== undefined)
        (app.notice ?? app.onProgress)(
          slot.name,
          "interrupted",
          `${message}; the next start goes on with it`,
        )
      slot.failures++
      slot.nextAt = now() + soonMs(slot.failures)
    }
    slot.fileVersion = ""
  }

  /** One of the catch-ups that a minute allows. */
  #spend(): boolean {
    const now = this.#app.host.monotonicMs()
    if (now - this.#budgetAt >= 60_000) {
      this.#budget = catchUpPerMinute
      this.#budgetAt = now
    }
    return this.#budget-- > 0
  }

  /** The one timer: ends early when a turn ends, the config is new, or we are asked to stop. */
  async #pauseUntil(at: number): Promise<void> {
    const early = new AbortController()
    this.#wake = () => early.abort()
    const { host, stop } = this.#app
    const longest = Math.min(lookAgainMs, this.#watch.roundEveryMs ?? lookAgainMs)
    const ms =
      this.#running.size >= sideBySide
        ? longest
        : Math.min(longest, Math.max(1, at - host.now().getTime()))
    await host.pause(ms, AbortSignal.any([early.signal, stop]))
  }
}

/** What is still open is asked again soon: after 2 s, 4 s … at most a minute. */
function soonMs(failures: number): number {
  return Math.min(60_000, 1000 * 2 ** Math.min(failures, 6))
}

/**
 * Only a person can help: the service has refused all that we know, a program may still run where
 * we cannot see it, or an output cannot be written. Asking costs the service logins that fail, and
 * the log a line.
 */
export function waitsForPerson({
  outcomes,
  revoked,
  unwritten = [],
}: Pick<EnvironmentRun, "outcomes" | "revoked"> &
  Partial<Pick<EnvironmentRun, "unwritten">>): boolean {
  const owed = revoked.flatMap(({ death }) => (death.kind === "dead" ? [] : [death]))
  const open = Object.values(outcomes).filter(
    (one) => one.kind === "stuck" || one.kind === "waiting",
  )
  if (open.length === 0 && owed.length === 0) return unwritten.length > 0
  if (open.length === 0) return owed.every(({ code }) => isOutOfSight(code))
  return open.every(
    ({ kind, code }) => kind === "stuck" || code === "not-settled" || isOutOfSight(code),
  )
}

/**
 * After 4 s, 8 s … at most half an hour. A person who has helped says rotate-now, and need not
 * wait.
 */
function lateMs(failures: number): number {
  return Math.min(1_800_000, 2000 * 2 ** Math.min(failures, 10))
}

function watchMsOf(app: App, environment: string): number | null {
  const own = app.config.environments[environment]?.watchMs
  return own === undefined ? defaultWatchMs : own
}

/**
 * Somewhere in the last fifth of the time, so that it is never exceeded and no server hears all
 * environments at once.
 */
function spread(app: App, everyMs: number): number {
  return punctual(everyMs) * (0.8 + 0.2 * share(app))
}

/** The timer may fire a minute late. */
function punctual(everyMs: number): number {
  return everyMs < frequentMs ? everyMs : everyMs - lookAgainMs
}

function share(app: App): number {
  const [high = 0, low = 0] = app.host.random(2)
  return (high * 256 + low) / 65_536
}

function slotsOf(app: App, before: readonly Slot[]): readonly Slot[] {
  return Object.keys(app.config.environments).map((name) => {
    const known = before.find((slot) => slot.name === name)
    const everyMs = watchMsOf(app, name)
    const watchAt =
      everyMs === null
        ? Number.POSITIVE_INFINITY
        : app.host.monotonicMs() + punctual(everyMs) * share(app)
    if (known === undefined)
      return {
        name,
        nextAt: 0,
        dueSince: 0,
        failures: 0,
        running: false,
        fileVersion: "",
        drifted: [],
        uncontained: "",
        unwritten: "",
        watchAt,
        watching: false,
        unclear: new Map(),
        watchFault: "",
      }
    // The same slot: a turn that is under way ends in it. Under a new config it is looked at anew.
    known.nextAt = 0
    known.failures = 0
    known.watchAt = everyMs === null ? watchAt : Math.min(known.watchAt, watchAt)
    return known
  })
}

/**
 * Changes whenever the file is replaced; "" where there is none. Not async: ten thousand looks must
 * not be as many wake-ups.
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
