import { expect, test } from "bun:test"
import { run } from "../crash/run.ts"
import { World } from "../crash/world.ts"

const containGen = {
  why: "incident",
  incident: "leak",
  contain: { revokeFirst: false },
} as const

/**
 * A rotation of `one` goes back and stays open, since its service is silent. A containment of `gen`
 * writes the file that shows both. Then that file is gone (it lay in a tmpfs, say): the way back
 * makes it of the present values, and not of its former bytes, which hold the value that leaked.
 */
test("a rollback does not put back bytes that a containment of another secret has overtaken", async () => {
  let overtaken = 0
  for (let cut = 0, isOver = false; !isOver; cut++) {
    const world = new World()
    world.fault = { unhealthy: true }
    world.asked = ["one"]
    isOver = !(await run(world, true, cut)).died
    const { changeSet: open } = world.stored
    if (open?.direction !== "back" || open.before?.["/env/b"] === undefined) continue
    expect(open.before["/env/b"].stale).toBeUndefined()
    world.fault = { unhealthy: true, silent: { name: "one", calls: 1000 } }
    world.asked = ["gen"]
    await run(world, containGen)
    const { contained, versions = [] } = world.stored.secrets["gen"] ?? {}
    expect(contained?.incident).toBe("leak")
    expect(world.stored.changeSet?.id).toBe(open.id)
    overtaken++
    delete world.files["/env/b"]
    world.fault = { unhealthy: true }
    await run(world, false)
    expect(world.stored.changeSet).toBeUndefined()
    const current = versions.find(({ stage }) => stage.kind === "current")
    expect(world.files["/env/b"]).toEqual({ one: ":s0", gen: `:${current?.sealed}` })
  }
  expect(overtaken).toBeGreaterThan(2)
})
