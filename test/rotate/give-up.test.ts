import { expect, test } from "bun:test"
import { AppError } from "../../src/base/error.ts"
import type { Version } from "../../src/core/version.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import type { Work } from "../../src/rotate/work.ts"
import { World } from "../crash/world.ts"

/** Outputs can be drafted in preflight, and not any more when the values exist. */
function failingLater(work: Work): Work {
  let drafts = 0
  const draft: Work["delivery"]["draft"] = (outputs, values, known) =>
    ++drafts > work.outputs.length
      ? Promise.reject(new AppError("write-failed", "disk full", { remedy: "retry" }))
      : work.delivery.draft(outputs, values, known)
  return { ...work, delivery: { ...work.delivery, draft } }
}

test("a set that is given up before any service saw it erases no older version, and its number is never used again", async () => {
  const world = new World()
  // What a first value once replaced.
  const state = world.stored.secrets["one"]
  if (state === undefined) throw new Error("no secret")
  const first: Version = {
    id: "v0",
    madeAt: "2025-01-01T00:00:00.000Z",
    stage: { kind: "retired", since: "2025-12-31T00:00:00.000Z" },
    clear: {},
    sealed: "verifier",
    fingerprints: {},
  }
  world.stored = {
    ...world.stored,
    secrets: { ...world.stored.secrets, one: { ...state, versions: [first, ...state.versions] } },
  }

  const session = await Session.load(failingLater(world.start().work))
  expect((await rotate(session, { secrets: ["one"], why: "asked" }))["one"]).toMatchObject({
    kind: "left",
    code: "write-failed",
  })
  expect(world.stored.changeSet).toBeUndefined()
  expect(world.one).toBe("s0")
  expect(world.versions("one").map(({ version }) => version.id)).toContain("v0")

  await rotate(await Session.load(world.start().work), { secrets: ["one"], why: "asked" })
  const generated = world.log
    .map((line) => JSON.parse(line) as { event: string; version: string })
    .filter(({ event }) => event === "generate")
  expect(generated.map(({ version }) => version)).toEqual(["v2", "v3"])
})
