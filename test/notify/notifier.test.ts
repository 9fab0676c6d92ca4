import { describe, expect, test } from "bun:test"
import { AppError } from "../../src/base/error.ts"
import type { Trouble } from "../../src/plan/troubles.ts"
import { type Notices, noNotices } from "../../src/notify/ledger.ts"
import type { Notice } from "../../src/notify/notice.ts"
import { Notifier } from "../../src/notify/notifier.ts"
import { NotTaken, type Receiver } from "../../src/notify/receiver.ts"

/** The notifier with a clock in hand, and a disk and a receiver that fail when they are told to. */

const drift: Trouble = { kind: "drift", secret: "db", code: "current-refused", message: "refused" }
const late: Trouble = { kind: "late", secret: "db", code: "rotation-overdue", message: "late" }

class World {
  written: Notices = noNotices
  /** What was taken, over all lives. */
  readonly taken: Notice[] = []
  readonly log: string[] = []
  answer: () => void = () => undefined
  /** Counts down with each durable act; at 0 the process is gone. */
  acts = Number.POSITIVE_INFINITY
  diskIsFull = false
  environments: readonly string[] = ["production", "staging"]
  #ms = 0
  #ids = 0
  #sleepers: { at: number; wake: () => void }[] = []

  /** Never resolves once the process is gone. */
  act(): Promise<void> {
    return --this.acts < 0 ? new Promise(() => undefined) : Promise.resolve()
  }

  open(): Notifier {
    const receiver: Receiver = {
      id: "one",
      label: "notify[0], a webhook",
      deliver: async (notice) => {
        await this.act()
        this.answer()
        this.taken.push(notice)
        await this.act()
      },
    }
    return new Notifier({
      project: "shop",
      environments: this.environments,
      receivers: [receiver],
      pings: [
        {
          label: "a ping",
          everyMs: 300_000,
          ask: () => Promise.resolve(void this.log.push(`ping ${this.#ms}`)),
        },
      ],
      host: {
        now: () => new Date(1_800_000_000_000 + this.#ms),
        monotonicMs: () => this.#ms,
        random: (count) => new Uint8Array(count),
        env: () => undefined,
        pause: (ms, signal) => this.#pause(ms, signal),
      },
      newId: () => `n${++this.#ids}`,
      holdMs: 60_000,
      file: {
        read: () => Promise.resolve(this.written),
        write: async (notices) => {
          await this.act()
          if (this.diskIsFull) throw new Error("ENOSPC")
          this.written = notices
          await this.act()
        },
      },
      onReceiver: (label, failure) => this.log.push(`${label}: ${failure?.message ?? "again"}`),
    })
  }

  #pause(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const sleeper = { at: this.#ms + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener("abort", () => resolve())
    })
  }

  /** Lets all that can go on go on, then lets time pass. */
  async pass(ms: number): Promise<void> {
    await settled()
    const end = this.#ms + ms
    for (;;) {
      const next = this.#sleepers.toSorted((one, other) => one.at - other.at)[0]
      if (next === undefined || next.at > end) break
      this.#sleepers = this.#sleepers.filter((one) => one !== next)
      this.#ms = Math.max(this.#ms, next.at)
      next.wake()
      await settled()
    }
    this.#ms = end
    await settled()
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
}

function see(notifier: Notifier, ...troubles: readonly Trouble[]): void {
  notifier.see("production", troubles)
  notifier.look()
}

const told = (world: World): readonly string[] =>
  world.taken.map(
    ({ began, ended }) =>
      `+${began.map(({ kind }) => kind).join()} -${ended.map(({ kind }) => kind).join()}`,
  )

describe("a receiver", () => {
  test("is told once of what stands, however often it is seen, and of what changes", async () => {
    const world = new World()
    const notifier = world.open()
    see(notifier, drift)
    await world.pass(0)
    see(notifier, { ...drift, message: "refused since noon" })
    see(notifier, drift, late)
    await world.pass(0)
    expect(told(world)).toEqual(["+drift -", "+late -"])
    expect(world.taken.map(({ standing }) => standing)).toEqual([1, 2])
  })

  test("hears that it is over of an environment that the config has no more", async () => {
    const world = new World()
    const before = world.open()
    see(before, drift)
    await world.pass(0)
    world.environments = ["staging"]
    const after = world.open()
    after.see("staging", [])
    after.look()
    await world.pass(61_000)
    expect(told(world)).toEqual(["+drift -", "+ -drift"])
    expect(world.written.told).toEqual({ one: {} })
  })

  test("hears that it is over once that has held for a minute; what flaps is one trouble", async () => {
    const world = new World()
    const notifier = world.open()
    see(notifier, drift)
    await world.pass(0)
    for (let times = 0; times < 5; times++) {
      see(notifier)
      await world.pass(30_000)
      see(notifier, drift)
      await world.pass(30_000)
    }
    expect(told(world)).toEqual(["+drift -"])
    see(notifier)
    await world.pass(59_000)
    expect(told(world)).toEqual(["+drift -"])
    await world.pass(2000)
    expect(told(world)).toEqual(["+drift -", "+ -drift"])
    expect(world.taken.at(-1)?.standing).toBe(0)
  })

  test("that is dead is tried at growing intervals, told of once in the log, and misses nothing", async () => {
    const world = new World()
    const notifier = world.open()
    let tries = 0
    world.answer = () => {
      tries++
      throw new AppError("notice-failed", "connection refused")
    }
    see(notifier, drift)
    await world.pass(0)
    see(notifier, drift, late)
    await world.pass(3_600_000)
    expect(tries).toBeLessThan(10)
    expect(world.log).toEqual(["notify[0], a webhook: connection refused"])
    world.answer = () => undefined
    await world.pass(3_600_000)
    expect(told(world)).toEqual(["+drift -", "+late -"])
    expect(world.log.at(-1)).toBe("notify[0], a webhook: again")
  })

  test("is left alone for as long as it asks", async () => {
    const world = new World()
    const notifier = world.open()
    let tries = 0
    world.answer = () => {
      tries++
      throw new NotTaken("it answered 429", { retryAfterMs: 600_000 })
    }
    see(notifier, drift)
    await world.pass(599_000)
    expect(tries).toBe(1)
    await world.pass(2000)
    expect(tries).toBe(2)
  })

  test("is told though nothing can be written down", async () => {
    const world = new World()
    world.diskIsFull = true
    see(world.open(), drift)
    await world.pass(0)
    expect(told(world)).toEqual(["+drift -"])
  })
})

describe("a process that is gone at any act", () => {
  /** Sees a drift come and go; killed after a number of acts, then begun again. */
  async function live(
    acts: number,
  ): Promise<{ readonly world: World; readonly wasKilled: boolean }> {
    const world = new World()
    world.acts = acts
    const life = world.open()
    see(life, drift)
    await world.pass(0)
    see(life)
    await world.pass(61_000)
    const wasKilled = world.acts < 0
    world.acts = Number.POSITIVE_INFINITY
    if (!wasKilled) return { world, wasKilled }
    const next = world.open()
    see(next)
    await world.pass(61_000)
    return { world, wasKilled }
  }

  test("has told each thing at least once, or not at all what was over before anyone was told", async () => {
    let killed = 0
    for (let acts = 0; ; acts++) {
      const { world, wasKilled } = await live(acts)
      if (!wasKilled) break
      killed++
      const began = world.taken.filter((one) => one.began.length > 0)
      const ended = world.taken.filter((one) => one.ended.length > 0)
      // Killed before anything was written down: it was over when the next process looked.
      if (acts === 0) expect(world.taken).toEqual([])
      else expect([acts, began.length > 0, ended.length > 0]).toEqual([acts, true, true])
      // Twice only with the same id.
      expect(new Set(began.map(({ id }) => id)).size).toBeLessThanOrEqual(1)
    }
    expect(killed).toBeGreaterThanOrEqual(8)
  })
})

test("a ping is asked while nothing is wrong, and not while anything is", async () => {
  const world = new World()
  const notifier = world.open()
  see(notifier)
  notifier.ready()
  await world.pass(600_000)
  expect(world.log).toEqual(["ping 0", "ping 300000", "ping 600000"])
  see(notifier, drift)
  await world.pass(900_000)
  expect(world.log.length).toBe(3)
  see(notifier)
  await world.pass(300_000)
  expect(world.log.length).toBe(4)
})
