import { expect, test } from "bun:test"
import type { ChangeSet } from "../../src/core/state.ts"
import { goesOn } from "../../src/rotate/cut-off.ts"

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

test("what finishes an interrupted rotation: the same command; on the way back that would begin a new one", () => {
  expect(goesOn(set)).toStartWith("the same command again")
  expect(goesOn({ ...set, direction: "back" })).toStartWith("mycelium run --once")
  expect(goesOn({ ...set, direction: "back" })).toContain("begins a new rotation")
})
