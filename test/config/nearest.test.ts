import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { nearest } from "../../src/config/nearest.ts"

describe("nearest()", () => {
  const known = ["rotate_every", "schedule", "timezone", "tags", "grace"]

  test.each([
    ["rotate_evry", "rotate_every"],
    ["rotateevery", "rotate_every"],
    ["Schedule", "schedule"],
    ["shcedule", "schedule"],
    ["tgas", "tags"],
    ["tag", "tags"],
  ])("%s was meant to be %s", (word, meant) => {
    expect(nearest(word, known)).toBe(meant)
  })

  test.each(["", "x", "colour", "schedules_of_all", "hunter2"])(
    "%p was meant to be nothing here",
    (word) => {
      expect(nearest(word, known)).toBeUndefined()
    },
  )

  test("finds a word itself, whatever stands beside it", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1 }), (words) =>
        expect(nearest(words.at(-1) ?? "", words)?.toLowerCase()).toBe(words.at(-1)?.toLowerCase()),
      ),
    )
  })
})
