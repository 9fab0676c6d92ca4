import { statSync } from "node:fs"
import { systemCode } from "../base/error.ts"
import { giveBackMemory } from "../base/memory.ts"
import { Steadiness } from "../plan/steady.ts"
import { readState, statePath } from "../record/state-file.ts"
import { said } from "../rotate/ask.ts"
import type { App } from "./app.ts"
import { type Turn, look, takeTurn } from "./turn.ts"

/** What the service tells the one who watches it. */
export type Watch = {
  readonly turned: (environment: string, turn: Turn) => void
  readonly failed: (environment: string, code: string, says: string) => void
  /** The wall clock has leapt (or runs true again). */
  readonly clock: (steady: boolean) => void
  /** Each time that the loop has gone round. `next`: where there may be something to do first; undefined: nowhere, as things stand. */
  readonly round: (next: { readonly environment: string; readonly at: Date } | undefined) => void
  /** The loop goes round no less often: who watches wants to see it. */
  readonly roundEveryMs?: number
}

/** The clock and the state files are looked at no less often: clocks leap, and other processes leave work in the state. */
const lookAgainMs = 60_000
/** Environments worked on at once. */
const sideBySide = 4
/** Ticks that were missed while off are caught up by so many environments a minute, the oldest first. */
const catchUpPerMinute = 30

/** So many turns leave something that is worth collecting. */
const burst = 100

type Slot = {
  readonly name: string
  /** When there may be something to do; what `look` last said. */
  nextAt: number
  /** Since when the longest overdue secret waits. */
  dueSince: number
  failures: number
  running: boolean
  /** Of the state file as last read: unchanged, it need not be read again. */
  stamp: string
}

/** The service: one timer for all environments; each has its turn when something is due or owed. Ends when asked to stop. */
export class Daemon {
  #app: App
  readonly #watch: Watch
  readonly #takeTurn: typeof takeTurn
  readonly #startedAt: number
  readonly #steadiness = new Steadiness()
  readonly #running = new Set<Promise<void>>()
  #slots: readonly Slot[]
  #steady = true
  /** How often memory is still to be given back: after a load or a burst of turns, and once more when its last traces are gone. */
  #giveBack = 2
  #turnsSince = 0
  #wake: () => void = () => undefined
  /** Something happened since the round began: it is gone round again before any pause. */
  #again = false
  #budget = catchUpPerMinute
  #budgetAt: number

  /** `takeTurn` is a parameter for those who hold the clock in their hand. */
  constructor(app: App, watch: Watch, turn: typeof takeTurn = takeTurn) {
    this.#app = app
    this.#watch = watch
    this.#takeTurn = turn
    this.#startedAt = app.host.now().getTime()
    this.#budgetAt = app.host.monotonicMs()
    this.#slots = slotsOf(app, [])
  }

  /** Another config: what runs goes on with the old one, what begins uses the new one. */
  reload(app: App): void {
    this.#app = app
    this.#slots = slotsOf(app, this.#slots)
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
      this.#watch.round(this.#next())
      if (this.#again) continue
      this.#tidyUp()
      await this.#pauseUntil(next)
    }
    await Promise.all(this.#running)
  }

  /** Nothing is under way: what a load or a burst of turns has left goes back to the machine. */
  #tidyUp(): void {
    if (this.#running.size > 0) return
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
    // One after the other: ten thousand documents at once would be a hundred megabytes that never come back.
    for (const slot of idle) await this.#refresh(slot, now)
    const waiting = idle.filter((slot) => slot.nextAt <= now).sort((one, other) => one.dueSince - other.dueSince)
    for (const slot of waiting) {
      if (this.#running.size >= sideBySide) break
      if (slot.dueSince < this.#startedAt && !this.#spend()) continue
      this.#begin(slot)
    }
    const future = this.#slots.filter((slot) => !slot.running && slot.nextAt > now).map((slot) => slot.nextAt)
    return Math.min(now + lookAgainMs, ...future)
  }

  #next(): { readonly environment: string; readonly at: Date } | undefined {
    let first: Slot | undefined
    for (const slot of this.#slots) if (slot.nextAt < (first?.nextAt ?? Number.POSITIVE_INFINITY)) first = slot
    return first === undefined ? undefined : { environment: first.name, at: new Date(first.nextAt) }
  }

  #look(now: number): void {
    const steady = this.#steadiness.look(now, this.#app.host.monotonicMs())
    if (steady !== this.#steady) this.#watch.clock(steady)
    this.#steady = steady
  }

  /** Reads an environment's state if it has changed. The turn looks again, under its lock. */
  async #refresh(slot: Slot, now: number): Promise<void> {
    if (slot.failures > 0 && slot.nextAt > now) return
    const options = this.#app.config.environments[slot.name]
    if (options === undefined) return
    const place = { store: this.#app.config.store, project: this.#app.config.project, environment: slot.name }
    try {
      const stamp = stampOf(statePath(place))
      if (stamp === slot.stamp && slot.nextAt > now) return
      slot.stamp = stamp
      const found = look(stamp === "" ? undefined : await readState(place), options, new Date(now))
      const due = this.#steady && found.due.length > 0
      slot.dueSince = due ? (found.dueSince?.getTime() ?? now) : now
      slot.nextAt = due || found.owed ? Math.min(now, slot.nextAt) : (found.nextAt?.getTime() ?? Number.POSITIVE_INFINITY)
      if (!this.#steady && found.due.length > 0) slot.nextAt = Math.min(slot.nextAt, now + lookAgainMs)
    } catch {
      // The turn finds the same fault, and reports it.
      slot.nextAt = now
    }
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
      const turn = await this.#takeTurn(app, slot.name, { rotate: this.#steady })
      this.#watch.turned(slot.name, turn)
      const open = turn.agenda.owed || (this.#steady && turn.agenda.due.length > 0)
      slot.failures = open ? slot.failures + 1 : 0
      slot.nextAt = open ? now() + soonMs(slot.failures) : (turn.agenda.nextAt?.getTime() ?? Number.POSITIVE_INFINITY)
    } catch (error) {
      const { code, says } = said(error)
      if (!app.stop.aborted) this.#watch.failed(slot.name, code, says)
      slot.failures++
      slot.nextAt = now() + soonMs(slot.failures)
    }
    slot.stamp = ""
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
    const ms = this.#running.size >= sideBySide ? longest : Math.min(longest, Math.max(1, at - host.now().getTime()))
    await host.pause(ms, AbortSignal.any([early.signal, stop]))
  }
}

/** What is still open is asked again soon: after 2 s, 4 s … at most a minute. */
function soonMs(failures: number): number {
  return Math.min(60_000, 1000 * 2 ** Math.min(failures, 6))
}

function slotsOf(app: App, before: readonly Slot[]): readonly Slot[] {
  return Object.keys(app.config.environments).map((name) => {
    const known = before.find((slot) => slot.name === name)
    if (known === undefined) return { name, nextAt: 0, dueSince: 0, failures: 0, running: false, stamp: "" }
    // The same slot: a turn that is under way ends in it. Under a new config it is looked at anew.
    known.nextAt = 0
    known.failures = 0
    return known
  })
}

/** Changes whenever the file is replaced; "" where there is none. Not async: ten thousand looks must not be as many wake-ups. */
function stampOf(path: string): string {
  try {
    const { ino, mtimeMs } = statSync(path)
    return `${ino} ${mtimeMs}`
  } catch (error) {
    if (systemCode(error) === "ENOENT") return ""
    throw error
  }
}
