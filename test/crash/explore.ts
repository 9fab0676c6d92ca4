import { programs, type World } from "./world.ts"
import { run } from "./run.ts"
import { erased, lost } from "./invariants.ts"
import type { Scenario } from "./scenarios.ts"
import { asked, begin, change, cut, failOver } from "./scenario-world.ts"
import { judge } from "./judge.ts"

/**
 * `states`: the different worlds that cuts left. Many a cut leaves the world of another: between
 * two acts nothing changes.
 */
export type Found = { cuts: number; states: number; readonly wrong: Map<string, number> }

/** The deadlines of what was cut run out only where timers have their turn. */
function letTimersRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** After which first cuts each second one is explored, too. */
export type Chooses = (scenario: Scenario, first: number) => boolean
export const none: Chooses = () => false

/**
 * Cuts one rotation at each instant (and the recovery at each of its own, where `secondAfter` says
 * so), recovers, and judges: once for each world that a cut leaves.
 */
export async function explore(
  scenario: Scenario,
  secondAfter: Chooses,
  found: Found,
): Promise<void> {
  const note = (text: string): void =>
    void found.wrong.set(
      `${scenario.title}: ${text}`,
      (found.wrong.get(`${scenario.title}: ${text}`) ?? 0) + 1,
    )
  const cutOnce = new Set<string>()
  const judged = new Set<string>()
  for (let first = 0; ; first++) {
    const world = begin(scenario)
    const { died } = await run(world, cut(scenario), first)
    if (!died) {
      if (scenario.contain?.after !== undefined) world.fault = scenario.later ?? scenario.fault
      await judge(world, scenario, note)
      return
    }
    found.cuts++
    await letTimersRun()
    if (!isNew(cutOnce, world.key)) continue
    found.states++
    for (const fault of [...lost(world), ...erased(world)]) note(`after a cut: ${fault}`)
    failOver(world, scenario)
    change(world, scenario)
    world.fault = scenario.later ?? scenario.fault
    if (secondAfter(scenario, first)) await exploreSecond(scenario, { world, judged }, found, note)
    if (isNew(judged, world.key)) await judge(world, scenario, note)
  }
}

function isNew(seen: Set<string>, key: string): boolean {
  const before = seen.size
  return seen.add(key).size > before
}

/** A supervisor restarts a program at each instant of one rotation. */
export async function exploreSupervised(scenario: Scenario, found: Found): Promise<void> {
  for (const program of programs) {
    for (let at = 0, instants = 1; at < instants; at++) {
      const one = {
        ...scenario,
        title: `${scenario.title}; ${program} is restarted by its supervisor`,
        later: scenario.later ?? scenario.fault,
      }
      const world = begin({ ...one, fault: { ...scenario.fault, supervised: { program, at } } })
      instants = (await run(world, asked(one))).instants
      found.cuts++
      world.fault = one.later
      await judge(
        world,
        one,
        (text) =>
          void found.wrong.set(
            `${one.title}: ${text}`,
            (found.wrong.get(`${one.title}: ${text}`) ?? 0) + 1,
          ),
      )
    }
  }
}

async function exploreSecond(
  scenario: Scenario,
  left: { readonly world: World; readonly judged: Set<string> },
  found: Found,
  note: (text: string) => void,
): Promise<void> {
  for (let second = 0; ; second++) {
    const world = left.world.copy()
    const { died } = await run(
      world,
      scenario.contain?.after === undefined ? false : asked(scenario),
      second,
    )
    if (!died) return
    found.cuts++
    await letTimersRun()
    if (!isNew(left.judged, world.key)) continue
    found.states++
    for (const fault of [...lost(world), ...erased(world)]) note(`after a second cut: ${fault}`)
    await judge(world, scenario, note)
  }
}
