import { expect, test } from "bun:test"
import { type Found, explore, none } from "./explore.ts"
import { managerScenarios } from "./manager-scenarios.ts"

test("with an entry of a secret manager, a rotation that is cut at any single instant loses nothing and comes to rest", async () => {
  const found: Found = { cuts: 0, states: 0, wrong: new Map() }
  for (const scenario of managerScenarios) await explore(scenario, none, found)
  expect([...found.wrong]).toEqual([])
  expect(found.cuts).toBeGreaterThan(500)
  console.log(
    `${found.cuts} single cuts in ${managerScenarios.length} scenarios with a manager, ${found.states} different worlds, 0 lost`,
  )
}, 600_000)
