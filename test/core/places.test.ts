import { expect, test } from "bun:test"
import { leftBehind, unaskedIn, withPlaces } from "../../src/core/places.ts"
import type { SecretState } from "../../src/core/state.ts"
import type { Stage, Version } from "../../src/core/version.ts"
import { ageOut, keep } from "../../src/core/version-changes.ts"

const at = "2026-01-01T00:00:00.000Z"
const retired: Stage = { kind: "retired", since: at }
const current: Stage = { kind: "current" }
const pending: Stage = { kind: "pending", proven: false }

function version(id: string, stage: Stage, ...places: readonly string[]): Version {
  const more = places.length === 0 ? {} : { places }
  return { id, madeAt: at, stage, clear: {}, sealed: "", fingerprints: {}, ...more }
}

function stateWith(...versions: readonly Version[]): SecretState {
  return { driver: "redis", versions }
}

test("a version has the places of the run that made it, and loses those that refused it", () => {
  const adopted = withPlaces(undefined, stateWith(version("v1", current)), ["a:1", "b:1"])
  expect(adopted.versions[0]?.places).toEqual(["a:1", "b:1"])
  const begun = stateWith(...adopted.versions, version("v2", pending))
  const made = withPlaces(adopted, begun, ["a:1", "c:1"])
  expect(made.versions.map(({ places }) => places)).toEqual([
    ["a:1", "b:1", "c:1"],
    ["a:1", "c:1"],
  ])
  const [one, two] = made.versions as [Version, Version]
  const next = stateWith({ ...one, stage: retired }, { ...two, stage: current })
  const ended = withPlaces(made, next, ["a:1", "c:1"])
  expect(leftBehind(ended)).toEqual([{ version: "v1", places: ["b:1"] }])
})

test("of a state from before nothing is said, and none is made up for a value that is dead", () => {
  const before = stateWith(version("v1", retired), version("v2", current))
  const next = withPlaces(before, before, ["a:1"])
  expect(next.versions.map(({ places }) => places)).toEqual([undefined, undefined])
  expect(leftBehind(next)).toEqual([])
})

test("what was made in the incident itself holds no containment open", () => {
  const versions = [version("v1", retired, "a:1"), version("v2", retired, "b:1")]
  const contained = { incident: "leak", at, version: "v3", first: "v2" }
  const state = { ...stateWith(...versions, version("v3", current)), contained }
  expect(unaskedIn(state)).toEqual([{ version: "v1", places: ["a:1"] }])
})

test("a version that holds a containment open does not age out", () => {
  const contained = { incident: "leak", at, version: "v3" }
  const later = new Date(Date.parse(at) + 2 * keep.forMs)
  const versions = [version("v1", retired, "a:1"), version("v2", retired), version("v3", current)]
  const aged = ageOut({ ...stateWith(...versions), contained }, later)
  expect(aged.versions.map(({ id }) => id)).toEqual(["v1", "v3"])
})
