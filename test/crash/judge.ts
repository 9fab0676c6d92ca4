import { openSetOf } from "../../src/core/change-set.ts"
import { type Name, names, type World } from "./world.ts"
import { run } from "./run.ts"
import { byAPerson, cutOff, erased, lost, owed, unrest } from "./invariants.ts"
import type { Scenario } from "./scenarios.ts"
import { asked } from "./scenario-world.ts"

/** Recovery after a cut, held against the laws. */

/** A containment goes on with all whose service answers, whatever keeps a rotation open. */
function heldUp(world: World, { contain, later }: Scenario): readonly string[] {
  if (contain?.after === undefined) return []
  const silent = later?.silent?.name ?? (contain.changed === true ? "one" : undefined)
  if (silent === undefined) return []
  const others = names.filter((name) => name !== silent || (contain.changed && contain.admin))
  return others
    .filter((name) => contain.admin === true || openSetOf(world.stored, name) === undefined)
    .filter((name) => world.stored.secrets[name]?.contained === undefined)
    .map((name) => `${name} is not contained while ${silent} keeps a rotation open`)
}

/** What no open rotation has in hand is revoked once its grace is over, however long that one stays open. */
function unrevoked(world: World, { outlastsGrace, later }: Scenario): readonly string[] {
  if (outlastsGrace !== true) return []
  return names
    .filter((name) => name !== later?.silent?.name && openSetOf(world.stored, name) === undefined)
    .flatMap((name) => world.versions(name).map(({ version }) => ({ name, version })))
    .filter(({ version }) => ["previous", "uncertain"].includes(version.stage.kind))
    .map(({ name, version }) => `${name} ${version.id} is not revoked beside an open rotation`)
}

/**
 * Recovers as the service does (a few turns, then the grace is over), and holds the rest against
 * the laws.
 */
export async function judge(
  world: World,
  scenario: Scenario,
  note: (text: string) => void,
): Promise<void> {
  world.ghostDelay = 0
  for (let turn = 0; turn < 4; turn++) {
    // A containment is called again until it is done; the same incident does nothing twice.
    await run(world, scenario.contain === undefined ? false : asked(scenario))
    for (const fault of lost(world)) note(`between turns: ${fault}`)
    // What was silent until now has a grace of its own.
    if (turn === 1 || turn === 2) world.time += 3_600_000
    if (turn === 0 && scenario.outlastsGrace === true) world.time += 3_600_000
    if (turn === 1) for (const fault of unrevoked(world, scenario)) note(fault)
    if (turn === 1) for (const fault of heldUp(world, scenario)) note(fault)
    if (turn === 1 && world.one === byAPerson) world.one = "s0"
    if (turn === 1) {
      const { openDoor: _, silent: __, ...rest } = scenario.later ?? scenario.fault
      world.fault = rest
    }
  }
  // While a manager is silent, a set may wait for it; what must hold in the middle holds.
  const waits = world.fault.manager?.silent !== undefined && scenario.contain === undefined
  const atRest = waits ? [...lost(world), ...erased(world), ...cutOff(world)] : unrest(world)
  for (const fault of atRest) note(fault)
  // Once it can be written again, nothing is owed.
  if (world.fault.refuses !== undefined || world.fault.manager?.silent !== undefined) {
    world.fault = {}
    await run(world, false)
    world.time += 3_600_000
    await run(world, false)
  }
  world.manager?.flush(world.time)
  for (const fault of [...unrest(world), ...owed(world)]) note(`in the end: ${fault}`)
  const most = scenario.contain?.after === undefined ? 2 : 3
  const made = (name: Name): number => world.versions(name).length
  for (const name of names)
    if (made(name) > most) note(`${name} was rotated ${made(name) - 1} times`)
}
