import { describeError } from "../base/error.ts"
import type { Host } from "../base/system/host.ts"
import { type Trouble, keyOf } from "../plan/troubles.ts"
import { goneIn, onlyFor, withChanges } from "./changes.ts"
import { type Notices, type OwedNotice, noNotices } from "./ledger.ts"
import { NotTaken, type Ping, type Receiver } from "./receiver.ts"

export type NotifierOf = {
  readonly project: string
  /** Those of the config. */
  readonly environments: readonly string[]
  readonly receivers: readonly Receiver[]
  readonly pings: readonly Ping[]
  readonly host: Host
  readonly newId: () => string
  /** How long (ms) a trouble must stay away before it is over: what flaps is told once. */
  readonly holdMs: number
  readonly file: { read(): Promise<Notices>; write(notices: Notices): Promise<void> }
  /** Tells the log that a receiver does not take what it is told, or takes it again; once a change. */
  readonly onReceiver: (
    label: string,
    failure: ReturnType<typeof describeError> | undefined,
  ) => void
}

const pausesMs = [10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000] as const
/** What is owed at the end is tried for so long. */
const lastMs = 10_000

/**
 * Tells receivers what has begun and what is over: once a change, at least once each, whatever
 * happens in between. No rotation waits for it. It sleeps unless something is on its way.
 */
export class Notifier {
  readonly #of: NotifierOf
  readonly #standing = new Map<string, readonly Trouble[]>()
  /** When a trouble was first missed, by the clock that never leaps. */
  readonly #goneAt = new Map<string, number>()
  /** When a receiver may be asked again. */
  readonly #waits = new Map<string, number>()
  readonly #failing = new Set<string>()
  readonly #end = new AbortController()
  #notices: Notices | undefined
  #working: Promise<void> | undefined
  #pinging: Promise<void> | undefined
  #wake: () => void = () => undefined
  #again = false
  /** What is wrong has changed since receivers were last looked at. */
  #isNews = false

  constructor(of: NotifierOf) {
    this.#of = of
  }

  /** What is wrong in an environment now: all of it. "": the service itself. */
  see(environment: string, troubles: readonly Trouble[]): void {
    const before = this.#standing.get(environment)
    this.#standing.set(environment, troubles)
    if (before === undefined || before.length + troubles.length > 0) this.#isNews = true
  }

  /** Looks at what was seen, if that is news; after each round of the service. */
  look(): void {
    if (!this.#isNews) return
    this.#isNews = false
    this.#begin()
  }

  #begin(): void {
    this.#again = true
    this.#wake()
    this.#working ??= this.#work().finally(() => (this.#working = undefined))
  }

  /** Begins the pings: the first look at all environments has been made. */
  ready(): void {
    this.#pinging ??= Promise.all(this.#of.pings.map((one) => this.#ping(one))).then(
      () => undefined,
    )
  }

  /** Each is asked once, if nothing is wrong: for a run that ends by itself. */
  async pingOnce(): Promise<void> {
    if (this.#isWell()) await Promise.all(this.#of.pings.map((one) => this.#askPing(one)))
  }

  /** What is owed is tried once more, for a while; the rest is in the file. */
  async finish(): Promise<void> {
    const { host } = this.#of
    this.#waits.clear()
    this.#begin()
    await Promise.race([this.#untilTold(), host.pause(lastMs)])
    this.#end.abort()
    this.#wake()
    await Promise.all([this.#working, this.#pinging])
  }

  async #untilTold(): Promise<void> {
    // One go at each receiver; what fails is tried at the next start.
    while (
      this.#again ||
      (this.#notices?.owed ?? []).some(({ receiver }) => !this.#isWaiting(receiver))
    )
      await this.#of.host.pause(5, this.#end.signal)
  }

  async #work(): Promise<void> {
    const { host, file } = this.#of
    this.#notices ??= await file.read()
    this.#seeRemoved(this.#notices)
    for (;;) {
      this.#again = false
      await this.#owe()
      await this.#deliver()
      if (this.#end.signal.aborted) return
      if (this.#again) continue
      const nextMs = this.#nextMs()
      if (nextMs === undefined) return
      const early = new AbortController()
      this.#wake = () => early.abort()
      await host.pause(nextMs, AbortSignal.any([early.signal, this.#end.signal]))
    }
  }

  /** What the config has no more is watched no more: what was told of it is over. */
  #seeRemoved({ told }: Notices): void {
    for (const environment of Object.values(told).flatMap(Object.keys))
      if (environment !== "" && !this.#of.environments.includes(environment))
        this.#standing.set(environment, [])
  }

  /** Written down before it is sent. */
  async #owe(): Promise<void> {
    const { project, receivers, host, newId } = this.#of
    const ids = receivers.map(({ id }) => id)
    const known = onlyFor(this.#notices ?? noNotices, ids)
    this.#noteGone(known)
    const next = withChanges(known, this.#standing, {
      project,
      receivers: ids,
      now: host.now(),
      newId,
      isOver: (environment, trouble) =>
        host.monotonicMs() - (this.#goneAt.get(goneKey(environment, trouble)) ?? Infinity) >=
        this.#of.holdMs,
    })
    if (next !== known) await this.#write(next)
  }

  #noteGone(known: Notices): void {
    const gone = new Set(
      goneIn(known, this.#standing).map(([environment, one]) => goneKey(environment, one)),
    )
    for (const key of this.#goneAt.keys()) if (!gone.has(key)) this.#goneAt.delete(key)
    const now = this.#of.host.monotonicMs()
    for (const key of gone) if (!this.#goneAt.has(key)) this.#goneAt.set(key, now)
  }

  /** A full disk is told, too: then memory has to do. */
  async #write(notices: Notices): Promise<void> {
    this.#notices = notices
    await this.#of.file.write(notices).catch(() => undefined)
  }

  async #deliver(): Promise<void> {
    await Promise.all(this.#of.receivers.map((one) => this.#deliverTo(one)))
  }

  /** In their order; the first that is not taken keeps back the rest. */
  async #deliverTo(receiver: Receiver): Promise<void> {
    for (;;) {
      const one = this.#notices?.owed.find((owed) => owed.receiver === receiver.id)
      if (one === undefined || this.#isWaiting(receiver.id) || this.#end.signal.aborted) return
      try {
        await receiver.deliver(one.notice, this.#end.signal)
      } catch (error) {
        return await this.#notTaken(receiver, one, error)
      }
      await this.#taken(receiver, one)
    }
  }

  async #taken({ id, label }: Receiver, { notice }: OwedNotice): Promise<void> {
    const notices = this.#notices ?? noNotices
    await this.#write({
      ...notices,
      owed: notices.owed.filter((one) => one.receiver !== id || one.notice.id !== notice.id),
    })
    if (this.#failing.delete(id)) this.#of.onReceiver(label, undefined)
  }

  async #notTaken(
    { id, label }: Receiver,
    { notice, tries }: OwedNotice,
    error: unknown,
  ): Promise<void> {
    if (this.#end.signal.aborted) return
    const pauseMs = pausesMs[Math.min(tries, pausesMs.length - 1)] ?? 0
    const askedMs = error instanceof NotTaken ? (error.retryAfterMs ?? 0) : 0
    this.#waits.set(id, this.#of.host.monotonicMs() + Math.max(pauseMs, askedMs))
    const notices = this.#notices ?? noNotices
    // A count is not worth a write of its own.
    this.#notices = {
      ...notices,
      owed: notices.owed.map((one) =>
        one.receiver === id && one.notice.id === notice.id ? { ...one, tries: tries + 1 } : one,
      ),
    }
    if (this.#failing.has(id)) return
    this.#failing.add(id)
    this.#of.onReceiver(label, describeError(error))
  }

  #isWaiting(receiver: string): boolean {
    return (this.#waits.get(receiver) ?? 0) > this.#of.host.monotonicMs()
  }

  /** undefined: nothing is on its way. */
  #nextMs(): number | undefined {
    const now = this.#of.host.monotonicMs()
    const owed = new Set((this.#notices?.owed ?? []).map(({ receiver }) => receiver))
    const times = [
      ...[...this.#goneAt.values()].map((at) => at + this.#of.holdMs),
      ...[...owed].map((receiver) => this.#waits.get(receiver) ?? now),
    ]
    return times.length === 0 ? undefined : Math.max(1, Math.min(...times) - now)
  }

  /** Silence is the alarm: it is asked only while nothing is wrong. */
  async #ping(ping: Ping): Promise<void> {
    while (!this.#end.signal.aborted) {
      if (this.#isWell()) await this.#askPing(ping)
      await this.#of.host.pause(ping.everyMs, this.#end.signal)
    }
  }

  async #askPing({ label, ask }: Ping): Promise<void> {
    const { onReceiver } = this.#of
    try {
      await ask(this.#end.signal)
      if (this.#failing.delete(label)) onReceiver(label, undefined)
    } catch (error) {
      if (this.#end.signal.aborted || this.#failing.has(label)) return
      this.#failing.add(label)
      onReceiver(label, describeError(error))
    }
  }

  #isWell(): boolean {
    return [...this.#standing.values()].every((troubles) => troubles.length === 0)
  }
}

function goneKey(environment: string, trouble: Trouble): string {
  return `${environment} ${keyOf(trouble)}`
}
