import type { SecretState } from "./state.ts"
import { type Version, versionNumber } from "./version.ts"

/**
 * The servers at which a version was set, accepted or adopted, and where its death is not proven; pure.
 * A server that has left the config is asked by no run: what was accepted there may be accepted still.
 * Servers are told apart by the text of their addresses alone.
 */

export const serverLeft = "server-left"

/** A version that may be accepted at servers that are not asked. */
export type LeftBehind = { readonly version: string; readonly places: readonly string[] }

/**
 * Noted in the write that makes a version, makes it current, or retires it. `present`: the servers
 * that the driver asks; a retired version was refused at each of them.
 */
export function withPlaces(
  before: SecretState | undefined,
  next: SecretState,
  present: readonly string[] = [],
): SecretState {
  if (present.length === 0) return next
  const formerly = new Map(before?.versions.map((one) => [one.id, one]))
  // The preflight has just logged in with the current value.
  const isBegun = next.versions.some(
    ({ id, stage }) => stage.kind === "pending" && !formerly.has(id),
  )
  const versions = next.versions.map((one) => {
    const former = formerly.get(one.id)?.stage.kind
    const isChanged = former !== one.stage.kind
    if (one.stage.kind === "retired") return isChanged ? withoutPlaces(one, present) : one
    const isLive = one.stage.kind === "pending" || one.stage.kind === "current"
    const isAccepted = isLive && (isChanged || (isBegun && one.stage.kind === "current"))
    return isAccepted || former === "retired" ? addPlaces(one, present) : one
  })
  return { ...next, versions }
}

function addPlaces(version: Version, present: readonly string[]): Version {
  const known = version.places ?? []
  const more = present.filter((place) => !known.includes(place))
  return more.length === 0 ? version : { ...version, places: [...known, ...more] }
}

export function withoutPlaces(version: Version, asked: readonly string[]): Version {
  const { places, ...rest } = version
  const left = (places ?? []).filter((place) => !asked.includes(place))
  return left.length === 0 ? rest : { ...rest, places: left }
}

/** Every version before the one that a containment made was refused at `asked`. */
export function expelledAt(state: SecretState, asked: readonly string[]): SecretState {
  const made = versionNumber(state.contained?.version ?? "v0")
  return {
    ...state,
    versions: state.versions.map((one) =>
      versionNumber(one.id) < made ? withoutPlaces(one, asked) : one,
    ),
  }
}

/** Versions that are dead elsewhere, and that no login was refused of at servers where they were accepted. */
export function leftBehind({ versions }: Pick<SecretState, "versions">): readonly LeftBehind[] {
  return versions.flatMap(({ id, stage, places = [] }) =>
    stage.kind === "retired" && places.length > 0 ? [{ version: id, places }] : [],
  )
}

/** Of these, what keeps a containment open: what was there before its incident. */
export function unaskedIn(
  state: Pick<SecretState, "contained" | "versions">,
): readonly LeftBehind[] {
  const { contained } = state
  if (contained === undefined) return []
  const first = versionNumber(contained.first ?? contained.version)
  return leftBehind(state).filter(({ version }) => versionNumber(version) < first)
}

/** Where this version was accepted, and is not asked. */
export function elsewhere(
  { places = [] }: Pick<Version, "places">,
  present: readonly string[] = [],
): readonly string[] {
  return present.length === 0 ? [] : places.filter((place) => !present.includes(place))
}

/** The config names a server again at which its death was not proven. */
export function isToBeAsked(
  { places = [], stage }: Pick<Version, "places" | "stage">,
  present: readonly string[] = [],
): boolean {
  return stage.kind === "retired" && places.some((place) => present.includes(place))
}

/** All versions that were accepted at servers which are not asked, dead elsewhere or not. */
export function acceptedElsewhere(
  { versions }: Pick<SecretState, "versions">,
  present: readonly string[] = [],
): readonly LeftBehind[] {
  return versions.flatMap((one) => {
    const places = elsewhere(one, present)
    return places.length === 0 ? [] : [{ version: one.id, places }]
  })
}

export function placesIn(left: readonly LeftBehind[]): readonly string[] {
  return [...new Set(left.flatMap(({ places }) => places))]
}

/** "v2 was also accepted at db:5432, which the config did not name when it was revoked, …". */
export function sayLeftBehind(left: readonly LeftBehind[]): string {
  const which = left.map(({ version }) => version)
  const [was, it] = which.length === 1 ? ["was", "it was"] : ["were", "they were"]
  return (
    `${which.join(", ")} ${was} also accepted at ${placesIn(left).join(", ")}, which the config ` +
    `did not name when ${it} revoked, as far as the addresses tell: no login was tried there`
  )
}

/** The same before anything is revoked. */
export function sayAcceptedElsewhere(left: readonly LeftBehind[]): string {
  const which = left.map(({ version }) => version)
  return (
    `${which.join(", ")} ${which.length === 1 ? "was" : "were"} also accepted at ` +
    `${placesIn(left).join(", ")}, which the config does not name, as far as the addresses tell: ` +
    "no login is tried there"
  )
}

/** What ends that. `asks`: the command that asks the server, once the config names it. */
export function endLeftBehind(
  environment: string,
  left: readonly LeftBehind[],
  asks = `mycelium reconcile ${environment}`,
): string {
  const commands = placesIn(left).map(
    (place) => `mycelium reconcile ${environment} --gone ${place}`,
  )
  return (
    `name it in the config again, then ${asks} tries that login; or, once you have made sure that ` +
    `this server is gone for good, or refuses that login: ${commands.join("; ")}`
  )
}

/** A person says that a server is gone for good: no version is accepted there. */
export function withoutServer(place: string): (state: SecretState) => SecretState {
  return (state) => ({
    ...state,
    versions: state.versions.map((one) =>
      one.places?.includes(place) === true ? withoutPlaces(one, [place]) : one,
    ),
  })
}
