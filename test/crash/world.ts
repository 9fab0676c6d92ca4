import type { Deployment } from "../../src/core/ports.ts"
import { Secret } from "../../src/core/secret.ts"
import { delivery } from "../../src/deliver/delivery.ts"
import type { Work } from "../../src/rotate/work.ts"
import { type Program, names, programs } from "./fault.ts"
import { entryId } from "./manager.ts"
import { entryOutput, output } from "./outputs.ts"
import { Process } from "./process.ts"
import { vault } from "./sealing.ts"
import { driver, lateMs, passTime } from "./services.ts"
import { WorldState } from "./world-state.ts"

export { type Fault, type Name, type Program, names, programs } from "./fault.ts"

/** The file that each program reads. */
const reads: Readonly<Record<Program, string>> = { api: "/env/a", web: "/env/b" }

/**
 * A small world around the engine: services, files, programs and a disk in memory. Every durable
 * act and every call has an instant before and one after; a cut at an instant ends the process
 * there (its promises never settle), and what the server had already received may still land later,
 * as a killed client's ALTER ROLE does.
 */
export class World extends WorldState {
  /** A process that dies at its `cutAt`-th instant; `died` resolves then. */
  start(cutAt = Number.POSITIVE_INFINITY): {
    readonly work: Work
    readonly died: Promise<"died">
    readonly process: Process
  } {
    let onCut = (): void => undefined
    const died = new Promise<"died">((resolve) => (onCut = () => resolve("died")))
    const process = new Process(
      cutAt,
      () => onCut(),
      (instant) => this.#supervise(instant),
    )
    const work: Work = {
      environment: "production",
      host: {
        now: () => new Date(this.time),
        monotonicMs: () => this.time,
        pause: (ms) => {
          if (ms === lateMs) return passTime(this, process)
          return this.noWait ? Promise.resolve() : new Promise(() => undefined)
        },
        random: (count) => new Uint8Array(count),
        env: () => undefined,
      },
      actor: { user: "test", via: "test" },
      drivers: Object.fromEntries(names.map((name) => [name, driver(this, process, name)])),
      kinds: Object.fromEntries(names.map((name) => [name, name])),
      policies: Object.fromEntries(
        names.map((name) => [name, { graceMs: 600_000, endSessions: false }]),
      ),
      outputs: [
        output(this, process, "/env/a", names),
        output(this, process, "/env/b", ["one", "gen"]),
        ...entryOutput(this, process),
      ],
      deployments: programs.map((name) => this.#deployment(name, reads[name])),
      startedWith: "{}",
      text: (field) => new Secret(field, `p${++this.made}`),
      newId: () => `set${++this.made}`,
      vault,
      ledger: this.#ledger(process),
      delivery,
      restarts: this.#restarts(process),
      onProgress: () => undefined,
      stop: new AbortController().signal,
      forceStop: new AbortController().signal,
      serverOf: (name) => (name === "gen" ? undefined : name),
      withServerSlot: (_, act) => act(),
    }
    return { work, died, process }
  }

  #ledger(process: Process): Work["ledger"] {
    return {
      load: () => Promise.resolve(this.stored),
      save: async (next) => {
        await process.instant()
        for (let turn = 0; turn < this.diskTurns; turn++) await Promise.resolve()
        await process.instant()
        if (next.serial !== this.stored.serial + 1)
          throw new Error(`serial ${next.serial} after ${this.stored.serial}`)
        this.stored = next
        await process.instant()
      },
      flush: async (document) => {
        await process.instant()
        const first = document.audit.count - document.audit.lines.length + 1
        document.audit.lines.forEach((line, index) => {
          if (first + index > this.log.length) this.log.push(line)
        })
        await process.instant()
      },
    }
  }

  #restarts(process: Process): Work["restarts"] {
    return {
      restart: async (deployment, mark, _, first) => {
        if (first && this.hooks.has(mark))
          throw new Error(
            `${mark} was taken for the first restart, and an earlier one may still run`,
          )
        this.hooks.add(mark)
        const { changeSet: set } = this.stored
        for (const target of set?.contain === undefined ? [] : process.refused)
          if (set?.leaves?.[target] === undefined) this.undeclared.push(target)
        await process.instant()
        this.restarts++
        const target = deployment.reads[0] ?? ""
        this.programs[deployment.name] = {
          ...this.files[target],
          ...(this.entryReader === deployment.name ? this.manager?.content : {}),
        }
        await process.instant()
        return this.#health(deployment.name)
      },
      healthy: (deployment) => Promise.resolve(this.#health(deployment.name)),
    }
  }

  /** A copy, to continue in more than one way; no process may live in it. */
  copy(): World {
    const world = new World()
    Object.assign(world, this, {
      pair: { ...this.pair },
      dual: new Set(this.dual),
      files: { ...this.files },
      programs: { ...this.programs },
      log: [...this.log],
      hooks: new Set(this.hooks),
      ghost: this.ghost === undefined ? undefined : { ...this.ghost },
      late: new Map(this.late),
      undeclared: [...this.undeclared],
      cutReaders: [...this.cutReaders],
      manager: this.manager?.copy(),
      everHanded: Object.fromEntries(
        Object.entries(this.everHanded).map(([name, values]) => [name, new Set(values)]),
      ),
    })
    world.made = this.made
    return world
  }

  #supervise(instant: number): void {
    const { supervised } = this.fault
    if (supervised?.at === instant)
      this.programs[supervised.program] = { ...this.files[reads[supervised.program]] }
  }

  #deployment(name: Program, target: string): Deployment {
    return {
      name,
      reads: [target, ...(this.entryReader === name ? [entryId] : [])],
      restarter: { label: name, restart: () => Promise.resolve() },
      withinMs: 1,
      timeoutMs: 1,
    }
  }

  #health(name: string): true | string {
    if (this.fault.alwaysUnhealthy === name) return "503"
    if (
      this.fault.firstUnhealthy === true &&
      name === "api" &&
      this.programs["api"]?.["one"] !== ":s0"
    )
      return "503"
    return this.fault.unhealthy === true &&
      name === "web" &&
      this.programs["web"]?.["one"] !== ":s0"
      ? "503"
      : true
  }
}
