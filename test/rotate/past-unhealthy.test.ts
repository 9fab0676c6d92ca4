import { expect, test } from "bun:test"
import { reconcile } from "../../src/rotate/reconcile.ts"
import { resume } from "../../src/rotate/resume.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import { World } from "../crash/world.ts"

/**
 * A value that has no way back becomes current though a program becomes unhealthy with it. Both programs
 * read it: none is left with an older one, and each that is sick is named, after a crash, too.
 */

/** The first program gets sick, and `one` has no value that is known here. */
function withoutValue(): World {
  const world = new World()
  world.fault = { firstUnhealthy: true }
  const { one } = world.stored.secrets
  if (one === undefined) throw new Error("no such secret")
  world.stored = {
    ...world.stored,
    secrets: { ...world.stored.secrets, one: { ...one, versions: [] } },
  }
  return world
}

/** The older value of `one` was put back at its service. */
async function putBack(): Promise<World> {
  const world = new World()
  world.noWait = true
  await rotate(await Session.load(world.start().work), { secrets: ["one"], why: "due" })
  world.one = "s0"
  return world
}

type Act = (session: Session) => Promise<unknown>

/** All that is noted once the act, cut at this instant, has come to its end. */
async function cutAt(world: World, act: Act, cut: number): Promise<boolean> {
  const first = world.start(cut)
  const end = await Promise.race([Session.load(first.work).then(act), first.died])
  const session = await Session.load(world.start().work)
  if (session.changeSet !== undefined) await resume(session)
  return end !== "died"
}

function expectNamed(world: World, shown: string): void {
  for (const values of Object.values(world.programs)) expect(values["one"]).toBe(shown)
  expect(world.stored.changeSet).toBeUndefined()
  expect(world.stored.secrets["one"]?.unhealthy?.deployments).toEqual(["api"])
}

test("a first value: every program is restarted with it, and the one that got sick is named, wherever it was cut", async () => {
  const act: Act = (session) => rotate(session, { secrets: ["one"], why: "new" })
  let cuts = 0
  for (let isOver = false; !isOver; cuts++) {
    const world = withoutValue()
    isOver = await cutAt(world, act, cuts)
    const { versions = [] } = world.stored.secrets["one"] ?? {}
    const current = versions.find(({ stage }) => stage.kind === "current")
    if (current !== undefined) expectNamed(world, `:${current.sealed}`)
    else expect(versions.filter(({ stage }) => stage.kind === "pending")).toEqual([])
  }
  expect(cuts).toBeGreaterThan(10)
})

test("a value that reconcile found: the program that got sick is named, wherever it was cut", async () => {
  const act: Act = (session) => reconcile(session, { dryRun: false, deep: false })
  let cuts = 0
  let found = 0
  for (let isOver = false; !isOver; cuts++) {
    const world = await putBack()
    world.fault = { alwaysUnhealthy: "api" }
    isOver = await cutAt(world, act, cuts)
    if (world.versions("one").some(({ version }) => version.stage.kind === "retired")) {
      found++
      expectNamed(world, ":s0")
    }
  }
  expect(found).toBeGreaterThan(5)
})
