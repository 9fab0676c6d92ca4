import { cpSync, existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import type { Ran } from "../../test/support/mycelium.ts"
import { type Shop, openShop } from "../../test/support/shop.ts"
import { type Call, readStrace } from "../../test/support/strace.ts"
import { strace } from "../../test/support/tracing.ts"
import { type Cut, counted, traced } from "./cuts.ts"
import type { Scenario, Servers } from "./scenarios.ts"

/**
 * One shop that is brought to the instant before the command again and again: its files, and what
 * its services hold.
 */
export class Lane implements AsyncDisposable {
  readonly shop: Shop
  readonly scenario: Scenario
  /** What the last killed run had called. */
  killed: readonly Call[] = []
  /**
   * Whether a health check got no answer since it was reset: the machine was too slow for what is
   * to be judged.
   */
  late = false
  readonly #putBack: () => Promise<void>

  constructor(shop: Shop, scenario: Scenario, putBack: () => Promise<void>) {
    this.shop = shop
    this.scenario = scenario
    this.#putBack = putBack
  }

  /** `laidOut`: with the shop before any command has seen it. */
  static async open(
    servers: Servers,
    scenario: Scenario,
    laidOut?: (shop: Shop) => Promise<void>,
  ): Promise<Lane> {
    const within = scenario.rest === "back" ? sickMs : healthyMs
    const options = { within: `${within}ms`, ...scenario.shop(servers) }
    const shop = await openShop(servers.postgres, options)
    await laidOut?.(shop)
    await scenario.prepare(shop)
    for (const folder of folders)
      if (existsSync(join(shop.project.root, folder)))
        copy(join(shop.project.root, folder), join(shop.project.root, `kept-${folder}`))
    const { holders } = shop
    const held = await Promise.all(holders.map((holder) => holder.held()))
    return new Lane(shop, scenario, async () => {
      for (const [index, holder] of holders.entries()) await holder.hold(held[index] ?? {})
    })
  }

  /** Back to the instant before the command. */
  async reset(): Promise<void> {
    this.late = false
    const { project } = this.shop
    for (const folder of folders) {
      rmSync(join(project.root, folder), { recursive: true, force: true })
      if (existsSync(join(project.root, `kept-${folder}`)))
        copy(join(project.root, `kept-${folder}`), join(project.root, folder))
    }
    await this.#putBack()
  }

  /** The command, watched and not disturbed. */
  async watch(): Promise<readonly Call[]> {
    const ran = await this.run(["-e", `trace=${traced.join(",")}`])
    if (ran.code === undefined)
      throw new Error(`${this.scenario.name}: the command did not end by itself: ${ran.stderr}`)
    return this.calls()
  }

  /** The command; the call that `cut` means is held up, and meanwhile the process is killed. */
  async kill(cut: Cut): Promise<void> {
    await this.#at(cut, longHoldMs, (pid) => signalTo(pid, "SIGKILL"))
  }

  /**
   * The same, and the process is asked to stop: by each of `signals`, the later ones a while after
   * it has heard the first.
   */
  ask(cut: Cut, [first, ...later]: readonly NodeJS.Signals[]): Promise<Ran> {
    return this.#at(cut, holdMs, async (pid) => {
      if (first !== undefined) signalTo(pid, first)
      for (const signal of later) {
        await Bun.sleep(meantMs)
        signalTo(pid, signal)
      }
    })
  }

  async #at(cut: Cut, mainHoldMs: number, act: (pid: number) => unknown): Promise<Ran> {
    const { call, when, side, file } = cut
    rmSync(this.#log, { force: true })
    const hold = side === "after" ? "delay_exit" : "delay_enter"
    // Strace counts by thread. The main thread is one; the calls of a pool are few once they are
    // about one file: each is held up.
    const how = file === undefined ? `${mainHoldMs * 1000}:when=${when}` : `${holdMs * 1000}`
    const running = this.run([
      ...(file === undefined ? [] : ["-P", join(this.shop.project.root, file)]),
      "-e",
      `trace=${call}`,
      "-e",
      `inject=${call}:${hold}=${how}`,
    ])
    const ended = running.then(() => true)
    while (!(await Promise.race([ended, Bun.sleep(2).then(() => false)]))) {
      const held = counted(this.calls(), cut)[when - 1]
      if (held === undefined || (side === "after" && held.result === undefined)) continue
      await act(held.pid)
      break
    }
    const ran = await running
    this.killed = this.calls()
    return ran
  }

  /** All that leads to the end: what sets the shop up first, where the scenario begins with nothing. */
  get commands(): readonly (readonly string[])[] {
    return [...(this.scenario.setUp ?? []), this.scenario.args]
  }

  calls(): readonly Call[] {
    return existsSync(this.#log) ? readStrace(this.#log) : []
  }

  /** The command; under strace where its options are given. */
  async run(options?: readonly string[]): Promise<Ran> {
    if (options === undefined) return this.call(this.scenario.args)
    const under = strace("--seccomp-bpf", "-y", "-Y", "-s", "16", "-o", this.#log, ...options)
    return this.call(this.scenario.args, under)
  }

  /** One turn of the service. */
  service(): Promise<Ran> {
    return this.call(turn)
  }

  async call(args: readonly string[], under: readonly string[] = []): Promise<Ran> {
    const ran = await this.shop.project.mycelium(args, { under })
    this.late ||= /no answer from command \S*\/health-/.test(`${ran.stdout}${ran.stderr}`)
    return ran
  }

  get #log(): string {
    return join(this.shop.project.root, "strace.log")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shop[Symbol.asyncDispose]()
  }
}

/** One turn of the service, as a command. */
export const turn: readonly string[] = ["run", "--once", "--json"]

/** How long a program may take to be healthy (ms). No load makes a healthy one take so long. */
const healthyMs = 60_000
/** A sick one takes all of it, each time. */
const sickMs = 2000

/** How often it is tried on a machine that was too slow. */
const tries = 3

/** Once more where a health check got no answer: what comes of that is no fault. The last time it counts. */
export async function unlessLate<T>(
  lane: Lane,
  work: () => Promise<T>,
  isFine: (done: T) => boolean,
): Promise<T> {
  for (let left = tries; ; left--) {
    lane.late = false
    const done = await work()
    if (isFine(done) || !lane.late || left === 1) return done
  }
}

/** How long a call is held up, in milliseconds: long enough for this process to see it. */
const holdMs = 100
const longHoldMs = 3000

/** A second request that comes sooner after the first is taken for the same. */
const meantMs = holdMs + 300

/** Any of its threads will do. */
function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}

export const folders = ["project", "home"] as const

function copy(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true })
}

/** Opens a lane of its own for `work`, and takes it away after it. */
export async function withLane(
  servers: Servers,
  scenario: Scenario,
  work: (lane: Lane) => Promise<void>,
): Promise<void> {
  await using lane = await Lane.open(servers, scenario)
  await work(lane)
}
