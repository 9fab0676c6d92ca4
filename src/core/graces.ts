import type { Host } from "../base/system/host.ts"
import { believable, believableState } from "./instants.ts"
import type { SecretState, StateDocument } from "./state.ts"
import type { Version } from "./version.ts"

/**
 * The wall clock and the one that never leaps drift apart by no more (ms) before the latter counts.
 */
const driftMs = 1000

const known = new WeakMap<Host, Graces>()

/** Those of this process: there is one host. */
export function gracesOf(host: Host): Graces {
  const graces = known.get(host) ?? new Graces(host)
  known.set(host, graces)
  return graces
}

/**
 * While we live, a grace is measured by the clock that never leaps, from when it was first seen: a
 * wall clock that leaps neither ends nor prolongs it. After a start the wall clock counts, by what
 * can be true.
 */
export class Graces {
  readonly #host: Host
  /**
   * By state, and by version and what its state says of its grace: the end of that by the clock
   * that never leaps.
   */
  readonly #ends = new Map<string, Map<string, number>>()

  constructor(host: Host) {
    this.#host = host
  }

  /** The document as it can be true now, each grace with its end by the present wall clock. */
  seen(document: StateDocument): StateDocument {
    const now = this.#host.now()
    const judged = believable(document, now)
    const before = this.#ends.get(document.id)
    const ends = new Map<string, number>()
    const shown: Record<string, SecretState> = {}
    for (const [name, state] of Object.entries(judged.secrets)) {
      const one = this.#shown(name, state, { raw: document.secrets[name], now, before, ends })
      if (one !== state) shown[name] = one
    }
    if (ends.size > 0) this.#ends.set(document.id, ends)
    else this.#ends.delete(document.id)
    return Object.keys(shown).length === 0
      ? judged
      : { ...judged, secrets: { ...judged.secrets, ...shown } }
  }

  /** The same of one secret, without a look at the others. */
  seenState(document: StateDocument, name: string): SecretState | undefined {
    const raw = document.secrets[name]
    if (raw === undefined) return undefined
    const now = this.#host.now()
    const ends = this.#ends.get(document.id) ?? new Map<string, number>()
    this.#ends.set(document.id, ends)
    return this.#shown(name, believableState(raw, now), { raw, now, before: ends, ends })
  }

  /** The same object where nothing differs. */
  #shown(name: string, state: SecretState, about: About): SecretState {
    if (!state.versions.some(({ stage }) => stage.kind === "previous")) return state
    const versions = state.versions.map((version, index) =>
      this.#version(name, version, { ...about, message: about.raw?.versions[index] }),
    )
    return versions.every((version, index) => version === state.versions[index])
      ? state
      : { ...state, versions }
  }

  /**
   * `message`: the version as the state has it. Another grace there (a containment's, which is
   * none) is measured anew.
   */
  #version(
    name: string,
    version: Version,
    { message, now, before, ends }: About & { readonly message: Version | undefined },
  ): Version {
    const { stage } = version
    if (stage.kind !== "previous") return version
    const granted = message?.stage.kind === "previous" ? message.stage : stage
    const key = JSON.stringify([
      name,
      version.id,
      granted.since,
      granted.revokeAt,
      granted.revokeOthers,
    ])
    const passed = this.#host.monotonicMs()
    const leftMs = Date.parse(stage.revokeAt) - now.getTime()
    // What an incident ends waits for no clock.
    const end =
      before?.get(key) ?? passed + (stage.revokeOthers === true ? Math.min(0, leftMs) : leftMs)
    ends.set(key, end)
    return Math.abs(end - passed - leftMs) <= driftMs
      ? version
      : {
          ...version,
          stage: { ...stage, revokeAt: new Date(now.getTime() + end - passed).toISOString() },
        }
  }
}

type About = {
  readonly raw: SecretState | undefined
  readonly now: Date
  readonly before: ReadonlyMap<string, number> | undefined
  readonly ends: Map<string, number>
}
