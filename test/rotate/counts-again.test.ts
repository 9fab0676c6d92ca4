import { expect, test } from "bun:test"
import { reconcile } from "../../src/rotate/reconcile.ts"
import { resume } from "../../src/rotate/resume.ts"
import { revokeOwed } from "../../src/rotate/revoke.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import { World } from "../crash/world.ts"

/**
 * A value that a containment took away is put back at its service, and reconcile makes it the
 * current one.
 */
async function putBack(): Promise<World> {
  const world = new World()
  world.noWait = true
  world.expels = true
  const session = await Session.load(world.start().work)
  const contain = { revokeFirst: false }
  await rotate(session, { secrets: ["one"], why: "incident", incident: "leak", contain })
  await revokeOwed(session, { skipGrace: true })
  expect(world.stored.secrets["one"]).toMatchObject({ contained: { incident: "leak" } })
  expect(world.stored.secrets["one"]).not.toHaveProperty("uncontained")
  world.one = "s0"
  return world
}

test("wherever that is cut, no state shows it as current and the secret as contained", async () => {
  let again = 0
  for (let cut = 0, isOver = false; !isOver; cut++) {
    const world = await putBack()
    const { work, died } = world.start(cut)
    const act = Session.load(work).then((one) => reconcile(one, { dryRun: false, deep: false }))
    isOver = (await Promise.race([act, died])) !== "died"
    for (const _ of ["as it was cut", "as it went on"]) {
      const { versions = [], uncontained } = world.stored.secrets["one"] ?? {}
      if (versions.find(({ id }) => id === "v1")?.stage.kind !== "retired") {
        again++
        expect(uncontained).toMatchObject({ incident: "leak" })
      }
      const session = await Session.load(world.start().work)
      if (session.changeSet !== undefined) await resume(session)
    }
    // The log says it once.
    const told = world.log.filter((line) => line.includes('"not-contained"'))
    expect(told.length).toBeLessThanOrEqual(1)
  }
  expect(again).toBeGreaterThan(5)
})
