import { openSets } from "../../src/core/change-set.ts"
import { Manager } from "./manager.ts"
import { World } from "./world.ts"
import type { Ask } from "./run.ts"
import { byAPerson } from "./invariants.ts"
import type { Scenario } from "./scenarios.ts"

/** The world of a scenario, and what befalls it after the crash. */

/**
 * What its programs were proven to hold is no longer new, and a server that loses it is no matter
 * of this rotation.
 */
export function failOver(world: World, { failsOver }: Scenario): void {
  if (failsOver === true && openSets(world.stored).some(({ secrets }) => secrets.includes("one")))
    world.one = "s0"
}

export function change(world: World, { contain }: Scenario): void {
  if (
    contain?.changed === true &&
    openSets(world.stored).some(({ secrets }) => secrets.includes("one"))
  )
    world.one = byAPerson
}

export function asked({ contain }: Scenario): true | Ask {
  return contain === undefined
    ? true
    : { why: "incident", incident: "leak", contain: { revokeFirst: contain.revokeFirst } }
}

/** What is cut. */
export function cut(scenario: Scenario): true | Ask {
  return scenario.contain?.after === "rotation" ? true : asked(scenario)
}

export function begin(scenario: Scenario): World {
  const world = new World()
  world.fault = scenario.fault
  world.ghostDelay = scenario.ghostDelay ?? 0
  world.noWait = scenario.noWait ?? false
  world.diskTurns = scenario.diskTurns ?? 0
  if (scenario.alone !== undefined) world.asked = [scenario.alone]
  world.expels = scenario.contain?.intruder ?? false
  world.admin = scenario.contain?.admin ?? false
  if (scenario.entry !== undefined) {
    const { shows, reader } = scenario.entry
    const all = world.files["/env/a"] ?? {}
    world.manager = new Manager(
      shows,
      Object.fromEntries(shows.map((name) => [name, all[name] ?? ""])),
    )
    world.entryReader = reader
  }
  if (scenario.contain?.unknown === true) {
    world.unknown = true
    const { gen } = world.stored.secrets
    world.stored = { ...world.stored, secrets: gen === undefined ? {} : { gen } }
  }
  if (scenario.contain?.intruder === true) {
    world.dual.add("set by an intruder")
    world.pair["green"] = "set by an intruder"
    for (const name of ["pair", "dual", "one"]) world.late.set(name, "under way")
  }
  return world
}
