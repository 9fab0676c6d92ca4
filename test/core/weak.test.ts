import { expect, test } from "bun:test"
import { randomText } from "../../src/base/text/random-text.ts"
import { isWeak } from "../../src/core/weak.ts"

test("isWeak() finds the well known, the short and the monotonous", () => {
  for (const value of [
    "postgres",
    "ChangeMe",
    "hunter2",
    "abcdefgh",
    "aaaaaaaaaaaaaaaaaaaaaaaa",
    "1234567890123456",
  ])
    expect([value, isWeak(value)]).toEqual([value, true])
})

test("isWeak() passes what a generator makes, ours or another's", () => {
  const random = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count))
  for (let count = 0; count < 100; count++) expect(isWeak(randomText(16, random))).toBe(false)
  expect(isWeak(Buffer.from(random(16)).toString("hex"))).toBe(false)
  expect(isWeak("correct horse battery staple")).toBe(false)
})
