import { expect, test } from "bun:test"
import { type Chooses, type Found, explore, none } from "./explore.ts"
import type { Scenario } from "./scenarios.ts"
import { managerScenarios } from "./manager-scenarios.ts"

/**
 * A share of the scenarios, and second cuts after a share of the first ones, chosen by the seed;
 * all with CRASH_SHARE=1.
 */
const share = Number(process.env["CRASH_SHARE"] ?? 8)
const seed = Number(process.env["CRASH_SEED"] ?? Math.floor(Math.random() * 1_000_000))

function isChosen(text: string, oneIn: number): boolean {
  return Number(Bun.hash(`${seed} ${text}`) % BigInt(oneIn)) === 0
}
function chosen(oneIn: number): readonly Scenario[] {
  return managerScenarios.filter(({ title }) => isChosen(title, oneIn))
}

async function exploreAll(scenarios: readonly Scenario[], second: Chooses): Promise<Found> {
  const found: Found = { cuts: 0, states: 0, wrong: new Map() }
  for (const scenario of scenarios) await explore(scenario, second, found)
  expect({ seed, wrong: [...found.wrong] }).toEqual({ seed, wrong: [] })
  return found
}

test("with an entry of a manager, a rotation that is cut at any single instant loses nothing and comes to rest", async () => {
  const scenarios = chosen(share)
  const { cuts, states } = await exploreAll(scenarios, none)
  expect(cuts).toBeGreaterThan(500)
  console.log(
    `${cuts} single cuts in ${scenarios.length} of ${managerScenarios.length} scenarios with ` +
      `a manager (CRASH_SEED=${seed}), ${states} different worlds, 0 lost`,
  )
}, 900_000)

test("with an entry of a manager, a rotation that is cut twice loses nothing and comes to rest", async () => {
  const scenarios = chosen(share * 4)
  const { cuts, states } = await exploreAll(scenarios, ({ title }, first) =>
    isChosen(`${title} ${first}`, share * 3),
  )
  expect(cuts).toBeGreaterThan(500)
  console.log(
    `${cuts} single and double cuts in ${scenarios.length} scenarios with a manager ` +
      `(CRASH_SEED=${seed}), ${states} different worlds, 0 lost`,
  )
}, 900_000)
