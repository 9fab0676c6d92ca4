import { expect, test } from "bun:test"
import { openSets } from "../../src/core/change-set.ts"
import { versionAt } from "../../src/core/version.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import { lost, unrest } from "../crash/invariants.ts"
import { run } from "../crash/run.ts"
import { World } from "../crash/world.ts"

const silent = (calls: number): World["fault"] => ({ silent: { name: "one", calls } })

/** Cut right after the values were made: a recovery finds a service that says nothing. */
async function waiting(): Promise<World> {
  for (let cut = 0; ; cut++) {
    const world = new World()
    const { died } = await run(world, true, cut)
    if (!died) throw new Error("no cut left a journal")
    if (
      world.stored.changeSet === undefined ||
      versionAt(world.stored.secrets["one"] ?? { driver: "", versions: [] }, "pending") ===
        undefined
    )
      continue
    world.fault = silent(100)
    return world
  }
}

test("a secret whose service says nothing is put aside, and the others of its environment rotate on", async () => {
  const world = await waiting()
  await run(world, false)
  expect({
    journal: world.stored.changeSet,
    aside: world.stored.deferred?.map(({ secrets }) => secrets),
  }).toEqual({ journal: undefined, aside: [["one"]] })
  const before = world.versions("dual").length
  world.time += 3_600_000
  await run(world, false)
  const { outcomes } = await run(world, true)
  expect({
    dual: outcomes["dual"]?.kind,
    gen: outcomes["gen"]?.kind,
    one: outcomes["one"],
  }).toMatchObject({ dual: "rotated", gen: "rotated", one: { kind: "waiting", code: "no-answer" } })
  expect(world.versions("dual").length).toBe(before + 1)
  expect(lost(world)).toEqual([])
})

test("asking again without an answer writes nothing; with one, it ends with the options that it began with", async () => {
  const world = await waiting()
  await run(world, false)
  const { serial } = world.stored
  world.time += 1
  for (let turn = 0; turn < 3; turn++) await run(world, false)
  // The revokes of the others are in their grace.
  expect(world.stored.serial).toBe(serial)
  world.fault = {}
  const { outcomes } = await run(world, false)
  expect(outcomes["one"]?.kind).toBe("rotated")
  expect(openSets(world.stored)).toEqual([])
  world.time += 3_600_000
  await run(world, false)
  expect(unrest(world)).toEqual([])
})

test("nothing new is begun with a secret that is put aside", async () => {
  const world = await waiting()
  await run(world, false)
  const { work } = world.start()
  const outcomes = await rotate(await Session.load(work), { secrets: ["one"], why: "asked" })
  expect(outcomes["one"]).toMatchObject({ kind: "left", code: "journal-open" })
})
