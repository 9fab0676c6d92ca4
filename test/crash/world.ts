import { AppError } from "../../src/base/error.ts"
import { noHead } from "../../src/core/audit-line.ts"
import type {
  Credential,
  Deployment,
  Draft,
  Driver,
  Output,
  Probe,
  Values,
} from "../../src/core/ports.ts"
import { Secret } from "../../src/core/secret.ts"
import type { StateDocument } from "../../src/core/state.ts"
import type { Version } from "../../src/core/version.ts"
import { delivery } from "../../src/deliver/delivery.ts"
import { type Manager, type ManagerFault, entryId } from "./manager.ts"
import type { Vault, Work } from "../../src/rotate/work.ts"

/**
 * A small world around the engine: services, files, programs and a disk in memory. Every durable
 * act and every call has an instant before and one after; a cut at an instant ends the process
 * there (its promises never settle), and what the server had already received may still land later,
 * as a killed client's ALTER ROLE does.
 */

export const names = ["pair", "dual", "one", "gen"] as const
export type Name = (typeof names)[number]

export type Fault = {
  /** The reply of this service's apply is lost: it lands, the caller gets an error. */
  readonly lostReply?: Name
  /**
   * Every apply of this service gets no reply in time and lands so many calls later, unless it is
   * settled.
   */
  readonly slow?: { readonly name: Name; readonly calls: number }
  /** A policy of this service refuses every new value. */
  readonly policy?: Name
  /** This service gives no clear answer to the next n calls of anything. */
  readonly silent?: { readonly name: Name; readonly calls: number }
  /** Deployment web is healthy only with the values of before. */
  readonly unhealthy?: boolean
  /** Deployment api, which restarts first, is. */
  readonly firstSick?: boolean
  /** This deployment is, whatever it holds. */
  readonly alwaysSick?: Program
  /** The n-th write of an output fails. */
  readonly outputFails?: number
  /** The next n logins at this service get no answer, whatever else it does. */
  readonly unproven?: { readonly name: Name; readonly calls: number }
  /** From this call on (of a draft, or of a rename) nobody can write this output. */
  readonly refuses?: {
    readonly target: string
    readonly from: number
    /** It can be drafted all the same. */
    readonly renames?: true
  }
  /** This service accepts anything for a while (somebody turned passwords off). */
  readonly openDoor?: Name
  /** What befalls the secret manager. */
  readonly manager?: ManagerFault
  /**
   * A supervisor restarts this program at the n-th instant of a process: it reads its file as that
   * is then.
   */
  readonly supervised?: { readonly program: Program; readonly at: number }
}

/** An apply whose client is gone: it lands at the call with this countdown, unless it is settled first. */
type Ghost = { readonly name: Name; readonly next: Credential; countdown: number }
/** What an apply was sent, and who may give it up. */
type Sent = { readonly next: Credential; readonly signal: AbortSignal }

export const programs = ["api", "web"] as const
export type Program = (typeof programs)[number]

/** How long (ms) a login may be under way. */
const lateMs = 61_000

const reads: Readonly<Record<Program, string>> = { api: "/env/a", web: "/env/b" }

/** Ends for good what a process does after its cut. */
class Process {
  instants = 0
  dead = false
  /** Outputs that could not be written. */
  readonly refused = new Set<string>()
  readonly cutAt: number
  readonly onCut: () => void
  readonly #beside: (instant: number) => void
  constructor(cutAt: number, onCut: () => void, beside: (instant: number) => void) {
    this.cutAt = cutAt
    this.onCut = onCut
    this.#beside = beside
  }
  /** An instant at which the process may end. */
  async instant(): Promise<void> {
    if (!this.dead) this.#beside(this.instants)
    if (!this.dead && this.instants++ === this.cutAt) {
      this.dead = true
      this.onCut()
    }
    if (this.dead) await new Promise(() => undefined)
  }
}

export class World {
  readonly pair: Record<string, string> = { blue: "b0", green: "" }
  readonly dual = new Set(["r0"])
  one = "s0"
  /** What outputs and programs show, by secret. */
  files: Record<string, Record<string, string>> = {}
  programs: Record<string, Record<string, string>> = {}
  stored: StateDocument
  log: string[] = []
  restarts = 0
  /** By mark: hooks that have begun. */
  readonly hooks = new Set<string>()
  time = Date.parse("2026-01-01T03:00:00Z")
  fault: Fault = {}
  ghost: Ghost | undefined
  ghostDelay = 0
  /** Nobody waits for the others once one service has ended its old value. */
  noWait = false
  /** Drivers can take away what somebody else has set. */
  expels = false
  /** An admin sets a value over whatever is there. */
  admin = false
  /**
   * Nothing was adopted: what the services accept stands in no version, and an admin sets another
   * value over it.
   */
  unknown = false
  /** What is rotated. */
  asked: readonly Name[] = names
  /** So long does each write of the state take, in turns of whoever is at work beside it. */
  diskTurns = 0
  /**
   * An intruder's login by an older value that was under way when that was replaced: it ends well
   * once time passes, and is in until its session ends.
   */
  readonly late = new Map<string, "under way" | "in" | "over">()
  calls = 0
  outputWrites = 0
  outputCalls = 0
  /** A secret manager, with an entry that shows some of the secrets. */
  manager: Manager | undefined
  /** The program that reads the entry beside its file. */
  entryReader: Program | undefined
  /** Someone has asked for a containment. */
  contained = false
  /** Old values that were taken away while a reader of the entry could still have them. */
  cutReaders: string[] = []
  /** Values that a file showed and their service took, replaced there by one that it refuses. */
  spoiled: string[] = []
  /** What was done without an output before its journal said so. */
  undeclared: string[] = []
  everHanded: Record<string, Set<string>> = {
    pair: new Set(),
    dual: new Set(),
    one: new Set(),
    gen: new Set(),
  }
  #made = 0

  constructor() {
    const shown = { pair: "blue:b0", dual: ":r0", one: ":s0", gen: ":g0" }
    this.files = { "/env/a": { ...shown }, "/env/b": { one: ":s0", gen: ":g0" } }
    this.programs = { api: { ...this.files["/env/a"] }, web: { ...this.files["/env/b"] } }
    const first = (
      name: string,
      fields: Credential["fields"],
    ): readonly [string, StateDocument["secrets"][string]] => [
      name,
      {
        driver: name,
        rotatedAt: "2025-10-01T00:00:00.000Z",
        versions: [
          {
            id: "v1",
            madeAt: "2025-10-01T00:00:00.000Z",
            stage: { kind: "current" },
            ...sealNow({ version: "v1", fields }),
          },
        ],
      },
    ]
    const secrets = Object.fromEntries([
      first("pair", { user: "blue", password: new Secret("pair", "b0") }),
      first("dual", { password: new Secret("dual", "r0") }),
      first("one", { password: new Secret("one", "s0") }),
      first("gen", { password: new Secret("gen", "g0") }),
    ])
    this.stored = {
      format: 1,
      id: "id",
      project: "shop",
      environment: "production",
      serial: 0,
      secrets,
      audit: { count: 0, head: noHead, lines: [] },
      mac: "",
    }
  }

  /** Does the service of `name` accept this version? */
  accepts(name: string, credential: Credential): boolean {
    const password = open(credential)
    if (name === "pair")
      return this.pair[String(credential.fields["user"])] === password && password !== ""
    if (name === "dual") return this.dual.has(password)
    if (name === "one") return this.one === password
    return true
  }

  /** The same of what an output shows. */
  takes(name: string, shown: string): boolean {
    const [user = "", password = ""] = shown.split(":")
    const fields = { ...(user === "" ? {} : { user }), password: new Secret(name, password) }
    return this.accepts(name, { version: "shown", fields })
  }

  /** Its service holds what it held in the beginning. */
  holdsFirst(name: Name): boolean {
    return {
      pair: this.pair["blue"] === "b0",
      dual: this.dual.has("r0"),
      one: this.one === "s0",
      gen: false,
    }[name]
  }

  /** A call to a service: an instant before, the effect, an instant after. */
  async #call<T>(process: Process, name: Name, effect: () => T, apply?: Sent): Promise<T> {
    await process.instant()
    this.calls++
    this.#haunt()
    const { silent } = this.fault
    if (silent?.name === name && silent.calls > 0) {
      this.fault = { ...this.fault, silent: { name, calls: silent.calls - 1 } }
      throw new AppError("no-answer", "no answer", { remedy: "retry" })
    }
    const goesOn = (countdown: number): void => {
      if (apply !== undefined) this.ghost = { name, next: apply.next, countdown }
    }
    if (apply !== undefined && this.ghostDelay > 0 && process.instants === process.cutAt) {
      // The process dies now; what it sent is still under way.
      goesOn(this.ghostDelay)
      await process.instant()
    }
    if (apply?.signal.aborted === true) {
      // Given up while under way: the server has it all the same.
      goesOn(2)
      throw new AppError("abandoned", "given up", { remedy: "retry" })
    }
    if (apply !== undefined && this.fault.slow?.name === name) {
      goesOn(this.fault.slow.calls)
      throw new AppError("timeout", "no answer in time", { remedy: "retry" })
    }
    const result = effect()
    await process.instant()
    return result
  }

  #haunt(): void {
    if (this.ghost === undefined || --this.ghost.countdown > 0) return
    this.#take(this.ghost.name, this.ghost.next)
    this.ghost = undefined
  }

  #driver(process: Process, name: Name): Driver {
    const overlap = ({ one: "one", gen: "none", pair: "both", dual: "both" } as const)[name]
    return {
      overlap,
      generate: (versions, text) =>
        name === "pair"
          ? {
              user: versions.current?.fields["user"] === "blue" ? "green" : "blue",
              password: text("password"),
            }
          : { password: text("password") },
      preflight: () => Promise.resolve([]),
      settle: async () =>
        this.#call(process, name, () => {
          if (this.ghost?.name === name) this.ghost = undefined
          return true
        }),
      apply: async (next, _, signal) => {
        if (this.fault.policy === name && open(next).startsWith("p"))
          throw new AppError("refused-by-policy", "no", { remedy: "give-up" })
        this.everHanded[name]?.add(open(next))
        await this.#call(process, name, () => this.#take(name, next), { next, signal })
        if (this.fault.lostReply === name)
          throw new AppError("no-answer", "the reply was lost", { remedy: "retry" })
        return {}
      },
      probe: async (candidate): Promise<Probe> =>
        this.#call(process, name, () => {
          const { unproven } = this.fault
          if (
            unproven?.name === name &&
            unproven.calls > 0 &&
            this.everHanded[name]?.has(open(candidate)) === true
          ) {
            this.fault = { ...this.fault, unproven: { name, calls: unproven.calls - 1 } }
            throw new AppError("no-answer", "no answer", { remedy: "retry" })
          }
          if (this.fault.openDoor === name) return "accepted"
          return this.accepts(name, candidate) ? "accepted" : "refused"
        }),
      revoke: async (old, live) =>
        this.#call(process, name, () => {
          this.#judgeRevoke(name, old)
          if (name === "pair" && old.fields["user"] !== live.fields["user"])
            this.pair[String(old.fields["user"])] = ""
          if (name === "dual") this.dual.delete(open(old))
          return { sessionsEnded: 0 }
        }),
      ...(this.expels
        ? {
            revokeOthers: (live: Credential) =>
              this.#call(process, name, () => {
                if (this.late.get(name) === "in") this.late.set(name, "over")
                const underWay = { inMs: lateMs, mostMs: lateMs }
                return {
                  ...this.#leaveOnly(name, live),
                  ...(this.late.get(name) === "under way" ? { underWay } : {}),
                }
              }),
          }
        : {}),
      ...(this.unknown || this.admin ? { deleteLogin: () => Promise.resolve() } : {}),
      describe: () => name,
    }
  }

  /** Readers keep what they have read for an hour. */
  #judgeRevoke(name: Name, old: Credential): void {
    // An incident waits for no reader.
    if (this.manager === undefined || this.contained || !this.accepts(name, old)) return
    const shown = `${String(old.fields["user"] ?? "")}:${open(old)}`
    if (this.manager.cached(name, this.time, 3_600_000).includes(shown))
      this.cutReaders.push(`${name} ${shown}`)
  }

  #leaveOnly(
    name: Name,
    live: Credential,
  ): { readonly sessionsEnded: number; readonly notes: readonly string[] } {
    if (name === "pair")
      for (const role of Object.keys(this.pair))
        if (role !== live.fields["user"]) this.pair[role] = ""
    if (name === "dual")
      for (const value of this.dual) if (value !== open(live)) this.dual.delete(value)
    return { sessionsEnded: 0, notes: [] }
  }

  async #passTime(process: Process): Promise<void> {
    await process.instant()
    for (const [name, kind] of this.late) if (kind === "under way") this.late.set(name, "in")
    await process.instant()
  }

  #take(name: Name, next: Credential): void {
    if (name === "pair") this.pair[String(next.fields["user"])] = open(next)
    if (name === "dual") this.dual.add(open(next))
    if (name === "one") this.one = open(next)
  }

  /** Somebody has put a link there, or edited a line. */
  #refuse(process: Process, target: string, act: "draft" | "rename"): void {
    const { refuses } = this.fault
    if (++this.outputCalls < (refuses?.from ?? Number.POSITIVE_INFINITY)) return
    if (refuses?.target !== target || (refuses.renames === true && act === "draft")) return
    process.refused.add(target)
    throw new AppError("output-drift", "somebody has edited it", { remedy: "ask-operator" })
  }

  #output(process: Process, target: string, shows: readonly string[]): Output {
    const show = (values: Values): Record<string, string> =>
      Object.fromEntries(
        shows.flatMap((name) =>
          values[name] === undefined
            ? []
            : [[name, `${String(values[name].fields["user"] ?? "")}:${open(values[name])}`]],
        ),
      )
    const draft = (next: Record<string, string>): Draft => ({
      changed: JSON.stringify(next) !== JSON.stringify(this.files[target]),
      bytes: Buffer.from(JSON.stringify(next)),
      changes: Object.keys(next),
      commit: async () => {
        await process.instant()
        this.#refuse(process, target, "rename")
        if (++this.outputWrites === this.fault.outputFails)
          throw new AppError("write-failed", "disk full", { remedy: "retry" })
        this.#judgeRename(target, next)
        this.files[target] = next
        await process.instant()
      },
      discard: () => Promise.resolve(),
    })
    // Where no secret has a value yet, one text of all could not be made.
    const isApart = target === "/env/a" || this.unknown
    return {
      target,
      shows,
      ...(isApart ? { apart: true as const } : {}),
      read: () => {
        const shown = this.files[target]
        return Promise.resolve(shown === undefined ? undefined : Buffer.from(JSON.stringify(shown)))
      },
      prepare: async (values) => {
        this.#refuse(process, target, "draft")
        const kept = isApart
          ? Object.entries(this.files[target] ?? {}).filter(([name]) => values[name] === undefined)
          : []
        return draft({ ...Object.fromEntries(kept), ...show(values) })
      },
      restore: async (before) => {
        this.#refuse(process, target, "draft")
        return draft(
          before === undefined
            ? {}
            : (JSON.parse(Buffer.from(before).toString()) as Record<string, string>),
        )
      },
      compare: (values) =>
        Promise.resolve(
          JSON.stringify(show(values)) === JSON.stringify(this.files[target]) ? "same" : "differs",
        ),
      adopt: () => Promise.resolve({}),
      tidy: () => Promise.resolve(),
    }
  }

  #entryOutput(process: Process): readonly Output[] {
    const { manager } = this
    if (manager === undefined) return []
    const stages = manager.fault.stages ?? this.fault.manager?.stages
    manager.fault = { ...this.fault.manager, ...(stages === undefined ? {} : { stages }) }
    manager.ghostDelay = this.ghostDelay
    const templates = manager.shows.map((name) => [
      name,
      name === "pair" ? "{{ pair.user }}:{{ pair.password }}" : `:{{ ${name}.password }}`,
    ])
    const instants = {
      instant: () => process.instant(),
      dies: () => process.instants === process.cutAt,
    }
    const output = manager.output(
      Object.fromEntries(templates) as Record<string, string>,
      instants,
      () => this.time,
    )
    return [output]
  }

  /** Files are read by whoever starts meanwhile: none of their values is made worse. */
  #judgeRename(target: string, next: Readonly<Record<string, string>>): void {
    const works = (name: string, shown: string | undefined): boolean =>
      shown !== undefined && this.takes(name, shown)
    for (const [name, shown] of Object.entries(this.files[target] ?? {}))
      if (works(name, shown) && !works(name, next[name])) this.spoiled.push(`${target}: ${name}`)
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
          if (ms === lateMs) return this.#passTime(process)
          return this.noWait ? Promise.resolve() : new Promise(() => undefined)
        },
        random: (count) => new Uint8Array(count),
        env: () => undefined,
      },
      actor: { user: "test", via: "test" },
      drivers: Object.fromEntries(names.map((name) => [name, this.#driver(process, name)])),
      kinds: Object.fromEntries(names.map((name) => [name, name])),
      policies: Object.fromEntries(
        names.map((name) => [name, { graceMs: 600_000, endSessions: false }]),
      ),
      outputs: [
        this.#output(process, "/env/a", names),
        this.#output(process, "/env/b", ["one", "gen"]),
        ...this.#entryOutput(process),
      ],
      deployments: programs.map((name) => this.#deployment(name, reads[name])),
      startedWith: "{}",
      text: (field) => new Secret(field, `p${++this.#made}`),
      newId: () => `set${++this.#made}`,
      vault,
      ledger: {
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
      },
      delivery,
      restarts: {
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
      },
      onProgress: () => undefined,
      stop: new AbortController().signal,
      forceStop: new AbortController().signal,
      serverOf: (name) => (name === "gen" ? undefined : name),
      withServerSlot: (_, act) => act(),
    }
    return { work, died, process }
  }

  #health(name: string): true | string {
    if (this.fault.alwaysSick === name) return "503"
    if (this.fault.firstSick === true && name === "api" && this.programs["api"]?.["one"] !== ":s0")
      return "503"
    return this.fault.unhealthy === true &&
      name === "web" &&
      this.programs["web"]?.["one"] !== ":s0"
      ? "503"
      : true
  }

  /** As it is now, for more than one way to go on; no process lives. */
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
    world.#made = this.#made
    return world
  }

  /**
   * All that decides what may still happen, as text, while no process lives: two worlds of the same
   * scenario with the same text go on alike.
   */
  get key(): string {
    const { pair, dual, one, files, programs, stored, log, hooks, time, fault, ghost, ghostDelay } =
      this
    return JSON.stringify([
      [pair, [...dual], one, files, programs, stored, log, [...hooks], time, fault, ghostDelay],
      ghost === undefined ? [] : [ghost.name, open(ghost.next), ghost.next, ghost.countdown],
      [[...this.late], this.undeclared, this.#made, this.manager?.key],
      [this.outputWrites, fault.refuses === undefined ? 0 : this.outputCalls],
      Object.values(this.everHanded).map((values) => [...values]),
    ])
  }

  /** Every version on disk, opened. */
  versions(
    name: string,
  ): readonly { readonly version: Version; readonly credential: Credential }[] {
    return (this.stored.secrets[name]?.versions ?? []).map((version) => ({
      version,
      credential: openNow(version),
    }))
  }
}

function open(credential: Credential): string {
  const { password } = credential.fields as { readonly password: string | Secret }
  return password instanceof Secret ? password.reveal() : password
}

function sealNow(credential: Credential): Pick<Version, "clear" | "sealed" | "fingerprints"> {
  const user = credential.fields["user"]
  return {
    clear: typeof user === "string" ? { user } : {},
    sealed: open(credential),
    fingerprints: {},
  }
}
function openNow(version: Version): Credential {
  return {
    version: version.id,
    fields: { ...version.clear, password: new Secret("x", version.sealed) },
  }
}
const vault: Vault = {
  seal: (_, credential) => Promise.resolve(sealNow(credential)),
  open: (_, version) => Promise.resolve(openNow(version)),
  sealBytes: (_, bytes) => Promise.resolve(Buffer.from(bytes).toString()),
  openBytes: (_, sealed) => Promise.resolve(Buffer.from(sealed)),
  fingerprint: (bytes) => Buffer.from(bytes).toString(),
}
