import { expect, test } from "bun:test"
import type { StateDocument } from "../../src/core/state.ts"
import { reconcile } from "../../src/rotate/reconcile.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import { World } from "../crash/world.ts"

test("what is noted of one value (easily guessed, its age unknown) does not pass to another that reconcile finds alive, and stays with its own", async () => {
  for (const back of [true, false]) {
    const world = new World()
    world.noWait = true
    const files = structuredClone(world.files)
    await rotate(await Session.load(world.start().work), { secrets: ["dual"], why: "asked" })
    const { dual } = world.stored.secrets
    if (dual === undefined) throw new Error("no state of dual")
    const marked: StateDocument = {
      ...world.stored,
      secrets: { ...world.stored.secrets, dual: { ...dual, weak: true, undated: true } },
    }
    world.stored = marked
    if (back) {
      // A backup of the service was put back, and files that show what it holds.
      world.dual.clear()
      world.dual.add("r0")
      world.files = structuredClone(files)
    }
    const { found } = await reconcile(await Session.load(world.start().work), {
      dryRun: false,
      deep: true,
      secrets: ["dual"],
    })
    expect(found["dual"]).toMatchObject(
      back
        ? { kind: "found", version: "v1", outputs: [], restarts: [] }
        : { kind: "same", version: "v2" },
    )
    const { weak, undated } = world.stored.secrets["dual"] ?? {}
    expect([weak, undated]).toEqual(back ? [undefined, undefined] : [true, true])
  }
})
