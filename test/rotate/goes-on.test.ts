import { expect, test } from "bun:test"
import type { ChangeSet } from "../../src/core/change-set.ts"
import { goesOn } from "../../src/rotate/cut-off-words.ts"

const set: ChangeSet = {
  id: "c",
  why: "asked",
  startedAt: "2026-02-01T03:00:00.000Z",
  secrets: ["db"],
  direction: "forward",
  touched: [],
  restarted: [],
  startedWith: "{}",
}

const back: ChangeSet = { ...set, direction: "back" }
const since = "2026-02-01T03:10:00.000Z"

test("what finishes an interrupted rotation: the same command; on the way back that would begin a new one", () => {
  expect(goesOn("production", set)).toStartWith("run the same command again")
  expect(goesOn("production", back)).toStartWith("run mycelium run --once")
  expect(goesOn("production", back)).toContain("begins a new rotation")
})

test("a rotation that no run ends is not said to finish: a person comes first, or what holds it up", () => {
  const waits = (code: string, message: string): ChangeSet => ({
    ...back,
    waits: { since, secret: "db", code, message },
  })
  expect(goesOn("production", waits("stuck", "the service refuses all"))).toBe(
    "only a person can end this rotation: production/db: the service refuses all (stuck); " +
      "mycelium adopt production --ask takes over the value that works, and ends it",
  )
  expect(goesOn("production", waits("drifted", "the service accepts v1"))).toBe(
    "only a person can end this rotation: production/db: the service accepts v1 (drifted); " +
      "mycelium reconcile production makes that value the current one, and ends it",
  )
  expect(goesOn("production", waits("unreachable", "no server"))).toStartWith(
    "this must be over first: production/db: no server (unreachable); then run mycelium run --once",
  )
  expect(goesOn("production", { ...back, stuck: ["db"] })).toStartWith(
    "only a person can end this rotation: the service of production/db refuses every value " +
      "that we know; then run",
  )
  expect(
    goesOn("production", { ...waits("cannot-go-back", "not taken again"), stuck: ["db"] }),
  ).toStartWith(
    "only a person can end this rotation: production/db: not taken again (cannot-go-back); then run",
  )
})
