import { expect, test } from "bun:test"
import { join } from "node:path"
import { type Found, explore, exploreSupervised, none } from "./explore.ts"
import { run } from "./run.ts"
import { scenarios } from "./scenarios.ts"
import { type Name, World, names } from "./world.ts"

test("a rotation that is cut at any single instant loses nothing and comes to rest", async () => {
  const found: Found = { cuts: 0, states: 0, wrong: new Map() }
  for (const scenario of scenarios) await explore(scenario, none, found)
  expect([...found.wrong]).toEqual([])
  expect(found.cuts).toBeGreaterThan(500)
  console.log(
    `${found.cuts} single cuts in ${scenarios.length} scenarios, ${found.states} different worlds, 0 lost`,
  )
}, 300_000)

test("a supervisor that restarts a program at any instant leaves none with a refused value", async () => {
  const found: Found = { cuts: 0, states: 0, wrong: new Map() }
  const chosen = scenarios.filter(
    ({ ghostDelay, fault }) =>
      ghostDelay === undefined &&
      (fault.unhealthy ?? fault.firstUnhealthy ?? fault.outputFails) !== undefined,
  )
  for (const scenario of chosen) await exploreSupervised(scenario, found)
  expect([...found.wrong]).toEqual([])
  expect(found.cuts).toBeGreaterThan(500)
  console.log(
    `${found.cuts} restarts by a supervisor in ${chosen.length} scenarios, 0 refused values`,
  )
}, 300_000)

/**
 * Every second cut after one in `share` first ones; after all of them with CRASH_SHARE=1, which
 * takes five minutes.
 */
const share = Number(process.env["CRASH_SHARE"] ?? 5)
const seed = Number(process.env["CRASH_SEED"] ?? Math.floor(Math.random() * 1_000_000))

test("a rotation that is cut twice loses nothing and comes to rest", async () => {
  const parts = await Promise.all(
    [0, 1].map(async (part) => {
      const child = Bun.spawn(
        [
          process.execPath,
          join(import.meta.dir, "double.ts"),
          ...[part, 2, share, seed].map(String),
        ],
        { stdout: "pipe" },
      )
      return JSON.parse(await child.stdout.text()) as {
        readonly cuts: number
        readonly states: number
        readonly wrong: readonly (readonly [string, number])[]
      }
    }),
  )
  expect({ seed, wrong: parts.flatMap(({ wrong }) => wrong) }).toEqual({ seed, wrong: [] })
  const sum = (what: "cuts" | "states"): number =>
    parts.reduce((total, one) => total + one[what], 0)
  expect(sum("states")).toBeGreaterThan(2000)
  console.log(
    `${sum("cuts")} single and double cuts in ${scenarios.length} scenarios (one in ${share}, ` +
      `CRASH_SEED=${seed}), ${sum("states")} different worlds, 0 lost`,
  )
}, 1_800_000)

test("a way back that is cut at any instant goes back, though nothing is wrong any more", async () => {
  let cuts = 0
  for (let cut = 0; ; cut++) {
    const world = new World()
    world.fault = { unhealthy: true }
    const before = names.map((name) => currentOf(world, name))
    const { died } = await run(world, true, cut)
    if (!died) break
    if (world.stored.changeSet?.direction !== "back") continue
    cuts++
    world.fault = {}
    await run(world, false)
    expect(world.stored.changeSet).toBeUndefined()
    expect(names.map((name) => currentOf(world, name))).toEqual(before)
  }
  expect(cuts).toBeGreaterThan(5)
})

function currentOf(world: World, name: Name): string | undefined {
  return world.versions(name).find(({ version }) => version.stage.kind === "current")?.version
    .sealed
}

test("recovery writes nothing where a service refuses every value that we know, and goes on once a person has set it back", async () => {
  let stuck = 0
  for (let cut = 0; ; cut++) {
    const world = new World()
    const { died } = await run(world, true, cut)
    if (!died) break
    if (world.stored.changeSet === undefined) continue
    world.one = "set by a person"
    const { outcomes } = await run(world, false)
    expect(world.one).toBe("set by a person")
    if (outcomes["one"]?.kind !== "stuck") continue
    stuck++
    expect(outcomes["one"].code).toBe("stuck")
    world.one = "s0"
    await run(world, false)
    await run(world, false)
    expect(
      world
        .versions("one")
        .filter(({ version }) => version.stage.kind === "current")
        .map(({ credential }) => world.accepts("one", credential)),
    ).toEqual([true])
    expect(world.stored.changeSet).toBeUndefined()
  }
  expect(stuck).toBeGreaterThan(3)
})
