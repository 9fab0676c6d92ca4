import { expect, test } from "bun:test"
import { findCode } from "../../scripts/mutants/find-code.ts"

function found(text: string, piece: string): readonly string[] {
  return findCode(text, piece).map(({ start, end }) => text.slice(start, end))
}

test("lines may be broken, joined and indented", () => {
  expect(
    found("a\nif (x) throw new E(\n  one,\n  two,\n)\nb", "if (x) throw new E(one, two)"),
  ).toEqual(["if (x) throw new E(\n  one,\n  two,\n)"])
  expect(found("f(a, b)", "f(\n  a,\n  b\n)")).toEqual(["f(a, b)"])
})

test("parentheses that a formatter adds do not count; other signs do", () => {
  expect(found("return one && (two || three)", "return one && two || three")).toEqual([
    "return one && (two || three)",
  ])
  expect(found("f(a, b)", "f(a; b)")).toEqual([])
  expect(found("f(a, b)", "f(a b)")).toEqual([])
})

test("blanks inside a text count", () => {
  expect(found('say("a b")', 'say("a  b")')).toEqual([])
})

test("each place is found", () => {
  expect(findCode("a(1); a(1)", "a(1)").length).toBe(2)
})
