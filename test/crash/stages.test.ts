import { expect, test } from "bun:test"
import type { Logged } from "../../scripts/crash/power/log.ts"
import { stagesAt, stagesOf } from "../../scripts/crash/power/stages.ts"
import { throwFaults } from "../../scripts/crash/say-faults.ts"

/** What the loss of power is judged by: how far a service may have come at an instant. */

const say = (text: string, at: number, socket = "socket:[1]"): Logged => ({
  kind: "say",
  text,
  socket,
  entered: at,
  returned: at,
})
const hear = (at: number, socket = "socket:[1]"): Logged => ({
  kind: "hear",
  socket,
  entered: at,
  returned: at,
})
const erase = (role: string): string => `Q ALTER ROLE "${role}" PASSWORD NULL`
const held = (count: number): { readonly role: readonly string[] }[] =>
  Array.from({ length: count }, (_, index) => ({ role: [String(index)] }))

test("four orders are four stages; between the order and its answer either may be", () => {
  const logged = ["a", "b", "a", "b"].flatMap((role, index) => [
    say(erase(role), 10 * index + 1),
    hear(10 * index + 5),
  ])
  const stages = stagesOf("postgres", logged, held(5))
  expect([0, 1, 4, 5, 11, 39].map((instant) => stagesAt(stages, instant))).toEqual([
    { least: 0, most: 0 },
    { least: 0, most: 1 },
    { least: 0, most: 1 },
    { least: 1, most: 1 },
    { least: 1, most: 2 },
    { least: 4, most: 4 },
  ])
})

test("what another connection hears is no answer", () => {
  const logged = [say(erase("a"), 1), hear(2, "socket:[2]"), hear(5)]
  expect(stagesAt(stagesOf("postgres", logged, held(2)), 3)).toEqual({ least: 0, most: 1 })
})

test("a program answers on another way; each value that it is to forget is an order", () => {
  const text = JSON.stringify({ verb: "forget", known: [{}, {}] })
  const logged = [say(text, 1), hear(5, "socket:[2]")]
  const stages = stagesOf("key", logged, held(3))
  expect([3, 5].map((instant) => stagesAt(stages, instant))).toEqual([
    { least: 0, most: 2 },
    { least: 2, most: 2 },
  ])
})

test("an order that only one side has seen is an error, not a guess", () => {
  expect(() => stagesOf("postgres", [say(erase("a"), 1)], held(3))).toThrow(
    "postgres: 1 orders in the log, 2 arrived",
  )
})

test("the error of a fault begins with how to see it again, and ends with why", () => {
  const message = `called again it ended with 5: ${"x".repeat(2000)} not healthy within 60s`
  const faults = Array.from({ length: 5 }, () => ({ kind: "stuck" as const, message, at: "here" }))
  expect(() => throwFaults("bun run crash", [])).not.toThrow()
  const lines = messageOf(() => throwFaults("bun run crash", faults)).split("\n")
  expect(lines[0]).toBe("5 faults: bun run crash")
  expect(lines[1]).toStartWith("- stuck, here: called again it ended with 5: xxx")
  expect(lines.join("")).toContain("xxx not healthy within 60s")
  expect(lines.at(-1)).toBe("and 4 more: stuck")
  // As many as the last lines of a run show.
  expect(lines.length).toBeLessThanOrEqual(12)
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(156)
})

function messageOf(act: () => void): string {
  try {
    act()
    return ""
  } catch (error) {
    return error instanceof Error ? error.message : ""
  }
}
