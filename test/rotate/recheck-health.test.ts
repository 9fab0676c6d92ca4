import { expect, test } from "bun:test"
import { markVariable } from "../../src/base/processes/marked-processes.ts"
import { ourLocation } from "../../src/base/processes/run-location.ts"
import { recheckHealth } from "../../src/rotate/recheck-health.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import { World, names } from "../crash/world.ts"

/** A program that did not get healthy with a value that stays. */

const noted = (world: World): readonly string[] =>
  names.filter((name) => world.stored.secrets[name]?.unhealthy !== undefined)

async function containedSick(): Promise<World> {
  const world = new World()
  world.fault = { unhealthy: true }
  await rotate(await Session.load(world.start().work), {
    secrets: names,
    why: "incident",
    incident: "leak",
    contain: { revokeFirst: false },
  })
  return world
}

test("is noted for the secrets that it reads, until it is found healthy", async () => {
  const world = await containedSick()
  expect(noted(world)).toEqual(["one", "gen"])
  const message = "web did not get healthy: 503"
  expect(await recheckHealth(await Session.load(world.start().work), names, "leak")).toEqual({
    one: message,
    gen: message,
  })
  expect(noted(world)).toEqual(["one", "gen"])
  world.fault = {}
  expect(await recheckHealth(await Session.load(world.start().work), names, "leak")).toEqual({})
  expect(noted(world)).toEqual([])
})

test("is noted until a rotation has proven it, which the note does not hold up", async () => {
  const world = await containedSick()
  world.fault = {}
  const outcomes = await rotate(await Session.load(world.start().work), {
    secrets: ["gen"],
    why: "asked",
  })
  expect([outcomes["gen"]?.kind, noted(world)]).toEqual(["rotated", []])
})

test("a restart beside the journals that a killed run has left is ended before a rotation restarts the same program", async () => {
  const place = ourLocation()
  if (place === undefined) throw new Error("where this runs is not known")
  const world = new World()
  world.stored = { ...world.stored, acting: { ...place, again: "left" } }
  // Leads a session of its own, as every hook does.
  await using hook = Bun.spawn(["setsid", "sleep", "300"], {
    env: { ...process.env, [markVariable]: "left/web" },
    stdio: ["ignore", "ignore", "ignore"],
  })
  const { work } = world.start()
  const began: (readonly [string, boolean])[] = []
  const restarts = {
    ...work.restarts,
    restart: (...args: Parameters<typeof work.restarts.restart>) => (
      began.push([args[0].name, hook.exitCode === null && hook.signalCode === null]),
      work.restarts.restart(...args)
    ),
  }
  const outcomes = await rotate(await Session.load({ ...work, location: place, restarts }), {
    secrets: ["gen"],
    why: "asked",
  })
  expect([outcomes["gen"]?.kind, began]).toEqual([
    "rotated",
    [
      ["api", true],
      ["web", false],
    ],
  ])
}, 30_000)
