import type { Host } from "../base/host.ts"
import { believable } from "./instants.ts"
import type { StateDocument, Version } from "./state.ts"

/** The wall clock and the one that never leaps drift apart by no more (ms) before the latter counts. */
const driftMs = 1000

const known = new WeakMap<Host, Graces>()

/** Those of this process: there is one host. */
export function gracesOf(host: Host): Graces {
  const graces = known.get(host) ?? new Graces(host)
  known.set(host, graces)
  return graces
}

/**
 * While we live, a grace is measured by the clock that never leaps, from when it was first seen: a wall clock that leaps
 * neither ends nor prolongs it. After a start the wall clock counts, by what can be true.
 */
export class Graces {
  readonly #host: Host
  /** By state and version: its end by the clock that never leaps. */
  readonly #ends = new Map<string, ReadonlyMap<string, number>>()

  constructor(host: Host) {
    this.#host = host
  }

  /** The document as it can be true now, each grace with its end by the wall clock of now. */
  seen(document: StateDocument): StateDocument {
    const now = this.#host.now()
    const judged = believable(document, now)
    const before = this.#ends.get(document.id)
    const ends = new Map<string, number>()
    const secrets: Record<string, StateDocument["secrets"][string]> = {}
    let changed = judged !== document
    for (const [name, state] of Object.entries(judged.secrets)) {
      const versions = state.versions.map((version) => {
        const shown = this.#shown(name, version, { now, before, ends })
        if (shown !== version) changed = true
        return shown
      })
      secrets[name] = changed ? { ...state, versions } : state
    }
    if (ends.size > 0) this.#ends.set(document.id, ends)
    else this.#ends.delete(document.id)
    return changed ? { ...judged, secrets } : document
  }

  #shown(name: string, version: Version, about: { readonly now: Date; readonly before: ReadonlyMap<string, number> | undefined; readonly ends: Map<string, number> }): Version {
    const { stage } = version
    if (stage.is !== "previous") return version
    const { now, before, ends } = about
    const key = `${name} ${version.id}`
    const passed = this.#host.monotonicMs()
    const leftMs = Date.parse(stage.revokeAt) - now.getTime()
    const end = before?.get(key) ?? passed + leftMs
    ends.set(key, end)
    return Math.abs(end - passed - leftMs) <= driftMs ? version : { ...version, stage: { ...stage, revokeAt: new Date(now.getTime() + end - passed).toISOString() } }
  }
}
