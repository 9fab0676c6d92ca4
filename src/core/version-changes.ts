import type { Patch, SecretState, Uncontained } from "./state.ts"
import { unaskedIn } from "./places.ts"
import type { Version } from "./version.ts"

/** Replaces one version by what `change` makes of it. */
export function changeVersion(id: string, change: (version: Version) => Version): Patch {
  return (state) => ({
    ...state,
    versions: state.versions.map((version) => (version.id === id ? change(version) : version)),
  })
}

export function nextVersionId(state: SecretState): string {
  return `v${lastVersion(state) + 1}`
}

/** The number of the youngest version that there ever was. */
export function lastVersion(state: SecretState): number {
  return state.versions.reduce(
    (most, version) => Math.max(most, Number(version.id.slice(1))),
    Math.max(state.erased?.last ?? 0, state.last ?? 0),
  )
}

/**
 * Forgets every version. What stays is that there were some, so that no number is ever used again;
 * and `left`: that a containment has not come to its end, where nothing has ended the login.
 */
export function erase(at: string, left?: Uncontained): Patch {
  return (state) => ({
    driver: state.driver,
    versions: [],
    erased: { at, last: lastVersion(state) },
    ...(left === undefined ? {} : { uncontained: left }),
  })
}

/**
 * How many given-up versions stay sealed, and how long (ms); the older and the more numerous age
 * out.
 */
export const keep = { versions: 10, forMs: 90 * 86_400_000 } as const

/**
 * Drops `retired` versions beyond `keep`. No version in any other stage is ever dropped, nor one
 * that a containment has still to prove dead at a server.
 */
export function ageOut(state: SecretState, now: Date): SecretState {
  const retired = state.versions.filter((version) => version.stage.kind === "retired")
  const young = retired
    .slice(-keep.versions)
    .filter(
      (version) =>
        version.stage.kind === "retired" &&
        now.getTime() - Date.parse(version.stage.since) < keep.forMs,
    )
  const unasked = unaskedIn(state).map(({ version }) => version)
  return {
    ...state,
    versions: state.versions.filter(
      (version) =>
        version.stage.kind !== "retired" || young.includes(version) || unasked.includes(version.id),
    ),
  }
}
