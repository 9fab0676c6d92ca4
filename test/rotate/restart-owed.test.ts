import { describe, expect, test } from "bun:test"
import { recheckHealth } from "../../src/rotate/recheck-health.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import { settleUnwritten } from "../../src/rotate/unwritten/settle.ts"
import type { Restarting } from "../../src/rotate/work.ts"
import { World, names } from "../crash/world.ts"

/**
 * A program that could not be restarted is owed a restart; what is said of its health is what the
 * last one came to.
 */

type Answers = Readonly<Record<string, Exclude<Restarting, true>>>

/** A session in which the restarts of these programs answer so. */
async function session(world: World, answers: Answers = {}): Promise<Session> {
  const { work } = world.start()
  return Session.load({
    ...work,
    restarts: {
      ...work.restarts,
      restart: async (...args) => {
        const answer = await work.restarts.restart(...args)
        return answers[args[0].name] ?? answer
      },
    },
  })
}

async function contained(answers: Answers): Promise<World> {
  const world = new World()
  await rotate(await session(world, answers), {
    secrets: names,
    why: "incident",
    incident: "leak",
    contain: { revokeFirst: false },
  })
  return world
}

const code3 = { notRestarted: "it ended with code 3" }
const notes = (world: World): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(names.map((name) => [name, world.stored.secrets[name]?.unhealthy?.message]))
const owed = (world: World): readonly string[] =>
  names.filter((name) => world.stored.secrets[name]?.unwritten !== undefined)

describe("the restart that is owed ends healthy", () => {
  test("the program is unhealthy no more", async () => {
    const world = await contained({ web: code3 })
    expect(notes(world)).toMatchObject({
      one: "web did not get healthy: it ended with code 3",
      gen: "web did not get healthy: it ended with code 3",
    })
    expect(owed(world)).toEqual(["one", "gen"])
    await settleUnwritten(await session(world))
    expect(owed(world)).toEqual([])
    expect(notes(world)).toEqual({})
  })

  test("another program that is unhealthy stays noted, by itself", async () => {
    const world = await contained({ api: "503; web is not the cause", web: code3 })
    expect(notes(world)["one"]).toBe(
      "api did not get healthy: 503; web is not the cause; web did not get healthy: it ended with code 3",
    )
    await settleUnwritten(await session(world))
    expect(notes(world)).toMatchObject({
      one: "api did not get healthy: 503; web is not the cause",
      gen: "api did not get healthy: 503; web is not the cause",
    })
    expect(world.stored.secrets["one"]?.unhealthy?.deployments).toEqual(["api"])
  })

  test("a secret that reads it and is owed nothing is told of it, too", async () => {
    const world = await contained({ web: code3 })
    const { one } = world.stored.secrets
    if (one === undefined) throw new Error("no such secret")
    const { unwritten: _, ...rest } = one
    world.stored = { ...world.stored, secrets: { ...world.stored.secrets, one: rest } }
    await settleUnwritten(await session(world))
    expect(notes(world)).toEqual({})
  })
})

test("the restart that is owed ends unhealthy: that alone is said", async () => {
  const world = await contained({ web: code3 })
  await settleUnwritten(await session(world, { web: "503" }))
  expect(owed(world)).toEqual([])
  expect(notes(world)).toMatchObject({ one: "web did not get healthy: 503" })
  const fails = await contained({ web: code3 })
  await settleUnwritten(await session(fails, { web: { notRestarted: "it ended with code 4" } }))
  expect(owed(fails)).toEqual(["one", "gen"])
  expect(notes(fails)).toMatchObject({ one: "web did not get healthy: it ended with code 4" })
})

test("a rotation of another secret that restarts it healthy, forward or on the way back, ends the note", async () => {
  for (const answers of [{}, { api: "503" }] as const) {
    const world = await contained({ web: "503" })
    expect(notes(world)).toMatchObject({ one: "web did not get healthy: 503" })
    const { work } = world.start()
    let asked = 0
    const outcomes = await rotate(
      await Session.load({
        ...work,
        restarts: {
          ...work.restarts,
          restart: async (...args) => {
            const answer = await work.restarts.restart(...args)
            // Unhealthy forward, healthy on the way back.
            return args[0].name === "api" && asked++ === 0 ? (answers.api ?? answer) : answer
          },
        },
      }),
      { secrets: ["gen"], why: "asked" },
    )
    const goesBack = answers.api !== undefined
    expect(outcomes["gen"]?.kind).toBe(goesBack ? "rolled-back" : "rotated")
    expect(Object.keys(notes(world)).filter((name) => notes(world)[name] !== undefined)).toEqual([])
  }
})

test("a program that nothing asks for its health and that the second look restarts is owed no restart", async () => {
  const world = await contained({ web: code3 })
  expect(await recheckHealth(await session(world), ["one"], "leak")).toEqual({})
  expect(owed(world)).toEqual([])
  expect(notes(world)).toEqual({})
})
