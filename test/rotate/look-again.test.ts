import { expect, test } from "bun:test"
import { lookAgain } from "../../src/rotate/look-again.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import { World, names } from "../crash/world.ts"

/** A program that did not get healthy with a value that stays. */

const noted = (world: World): readonly string[] =>
  names.filter((name) => world.stored.secrets[name]?.unhealthy !== undefined)

async function containedSick(): Promise<World> {
  const world = new World()
  world.fault = { sick: true }
  await rotate(await Session.load(world.start().work), {
    secrets: names,
    why: "incident",
    incident: "leak",
    contain: { cutFirst: false },
  })
  return world
}

test("is noted for the secrets that it reads, until it is found healthy", async () => {
  const world = await containedSick()
  expect(noted(world)).toEqual(["one", "gen"])
  const says = "web did not get healthy: 503"
  expect(await lookAgain(await Session.load(world.start().work), names, "leak")).toEqual({
    one: says,
    gen: says,
  })
  expect(noted(world)).toEqual(["one", "gen"])
  world.fault = {}
  expect(await lookAgain(await Session.load(world.start().work), names, "leak")).toEqual({})
  expect(noted(world)).toEqual([])
})

test("is noted until a rotation has proven it, which the note does not hold up", async () => {
  const world = await containedSick()
  world.fault = {}
  const outcomes = await rotate(await Session.load(world.start().work), {
    secrets: ["gen"],
    why: "asked",
  })
  expect([outcomes["gen"]?.is, noted(world)]).toEqual(["rotated", ["one"]])
})
