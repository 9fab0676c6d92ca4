import { expect, test } from "bun:test"
import type { StateDocument } from "../../src/core/state.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import { World, names } from "../crash/world.ts"

/** Who is killed right after a line, and looks at the state then, must find there what the line said. */

type Told = readonly { readonly step: string; readonly stored: StateDocument }[]

async function told(world: World): Promise<Told> {
  const all: { step: string; stored: StateDocument }[] = []
  const { work } = world.start()
  const session = await Session.load({
    ...work,
    onProgress: (step) => void all.push({ step, stored: world.stored }),
  })
  await rotate(session, { secrets: names, why: "due" })
  return all
}

function at(all: Told, step: string): StateDocument | undefined {
  return all.find((one) => one.step === step)?.stored
}

test("a rotation that goes back is on its way back as soon as it says so", async () => {
  const world = new World()
  world.fault = { unhealthy: true }
  const back = at(await told(world), "back")
  expect(back?.changeSet?.direction).toBe("back")
})

test("new values are in the state, and are current there, as soon as that is said", async () => {
  const all = await told(new World())
  expect(at(all, "generate")?.changeSet?.secrets).toEqual([...names])
  expect(at(all, "promote")?.changeSet).toBeUndefined()
})

test("a first value that cannot go back is not said to go back", async () => {
  const world = new World()
  world.fault = { unhealthy: true }
  const { one } = world.stored.secrets
  if (one === undefined) throw new Error("no such secret")
  world.stored = {
    ...world.stored,
    secrets: { ...world.stored.secrets, one: { ...one, versions: [] } },
  }
  const { work } = world.start()
  const steps: string[] = []
  const session = await Session.load({ ...work, onProgress: (step) => void steps.push(step) })
  const outcomes = await rotate(session, { secrets: ["one"], why: "new" })
  expect(outcomes["one"]).toMatchObject({ kind: "rotated", unhealthy: expect.any(String) })
  expect(steps).toContain("health")
  expect(steps).not.toContain("back")
})
