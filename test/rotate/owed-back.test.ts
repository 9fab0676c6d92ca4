import { expect, test } from "bun:test"
import { resume } from "../../src/rotate/resume.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import { World, names } from "../crash/world.ts"

/**
 * A rotation that goes back is cut, and a containment of other secrets waits for its end: an output
 * that no run can put back then holds that up no longer. What it shows is a debt of the secrets
 * that came back.
 */
test("an output that could not be put back is owed by each secret that it shows otherwise, wherever it was cut", async () => {
  let owed = 0
  for (let cut = 0, isOver = false; !isOver; cut++) {
    const world = new World()
    world.fault = { unhealthy: true }
    const { work, died } = world.start(cut)
    const act = Session.load(work).then((one) => rotate(one, { secrets: names, why: "due" }))
    isOver = (await Promise.race([act, died])) !== "died"
    world.fault = { unhealthy: true, refuses: { target: "/env/b", from: 1 } }
    const session = await Session.load(world.start().work)
    if (session.changeSet?.direction !== "back") continue
    await resume(session, { noWait: true })
    if (world.stored.changeSet !== undefined) continue
    for (const name of ["one", "gen"]) {
      const { versions = [], unwritten } = world.stored.secrets[name] ?? {}
      const current = versions.find(({ stage }) => stage.kind === "current")
      if (world.files["/env/b"]?.[name] === `:${current?.sealed}`) continue
      owed++
      expect(Object.keys(unwritten?.outputs ?? {})).toEqual(["/env/b"])
    }
  }
  expect(owed).toBeGreaterThan(2)
})
