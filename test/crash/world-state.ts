import { noHead } from "../../src/core/audit-line.ts"
import type { Credential } from "../../src/core/ports.ts"
import { Secret } from "../../src/core/secret.ts"
import type { StateDocument } from "../../src/core/state.ts"
import type { Version } from "../../src/core/version.ts"
import { type Fault, type Name, type Program, names } from "./fault.ts"
import type { Manager } from "./manager.ts"
import { openNow, sealNow, valueOf } from "./sealing.ts"

type Ghost = { readonly name: Name; readonly next: Credential; countdown: number }

/** All that the simulated world remembers: what services, files, programs and the disk hold. */
export class WorldState {
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
  /** No service is waited for once one of them has ended its old value. */
  noWait = false
  /** Drivers can take away the values that others have set. */
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
  /** How long each write of the state takes, in turns of the tasks beside it. */
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
  /** A containment was asked for. */
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
  /** How many values and ids were made. */
  made = 0

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
    const password = valueOf(credential)
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

  /**
   * All that decides what may still happen, as text, while no process lives: two worlds of the same
   * scenario with the same text go on alike.
   */
  get key(): string {
    const { pair, dual, one, files, programs, stored, log, hooks, time, fault, ghost, ghostDelay } =
      this
    return JSON.stringify([
      [pair, [...dual], one, files, programs, stored, log, [...hooks], time, fault, ghostDelay],
      ghost === undefined ? [] : [ghost.name, valueOf(ghost.next), ghost.next, ghost.countdown],
      [[...this.late], this.undeclared, this.made, this.manager?.key],
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
