import { describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { portableAlphabet, randomText } from "../../../src/base/text/random-text.ts"
import {
  type Shape,
  bitsOf,
  lengthFor,
  lengthOf,
  makeValue,
  sayBits,
  sayShape,
} from "../../../src/base/text/value-shape.ts"
import { readers } from "../../../src/plugins/outputs/dotenv/readers/index.ts"
import { errorOf } from "../../support/error-of.ts"

const random = (count: number): Uint8Array => new Uint8Array(randomBytes(count))

const shapes: readonly (readonly [string, Shape, RegExp])[] = [
  ["a password", {}, /^[A-Za-z][\w.-]{30}[A-Za-z0-9]$/],
  ["a password of 16", { length: 16 }, /^[A-Za-z][\w.-]{14}[A-Za-z0-9]$/],
  [
    "letters and digits",
    { alphabet: "abcdefghijklmnopqrstuvwxyzABCDEF0123456789", length: 40 },
    /^[a-zA-F][a-zA-F0-9]{39}$/,
  ],
  ["digits", { alphabet: "0123456789", length: 40 }, /^[0-9]{40}$/],
  [
    "specials for a policy",
    { alphabet: "abcdefgh01234567@%+", length: 40 },
    /^[a-h][a-h0-7@%+]{38}[a-h0-7]$/,
  ],
  ["hex", { format: "hex" }, /^[0-9a-f]{64}$/],
  ["hex of 32", { format: "hex", length: 32 }, /^[0-9a-f]{32}$/],
  ["base64url", { format: "base64url" }, /^[\w-]{43}$/],
  ["base64url of 24", { format: "base64url", length: 24 }, /^[\w-]{24}$/],
  [
    "a UUID",
    { format: "uuid" },
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  ],
  ["a prefix", { prefix: "sk_live_", format: "hex" }, /^sk_live_[0-9a-f]{64}$/],
]

describe.each(shapes)("%s", (_, shape, looks) => {
  const values = Array.from({ length: 200 }, () => makeValue(shape, random))

  test("looks as it should, and never twice the same", () => {
    for (const value of values) expect(value).toMatch(looks)
    expect(new Set(values).size).toBe(values.length)
    expect(new Set(values.map((value) => value.length))).toEqual(
      new Set([(shape.prefix ?? "").length + lengthOf(shape)]),
    )
  })

  test("is written raw for every reader of .env files", () => {
    for (const value of values)
      for (const reader of Object.values(readers))
        expect(reader.write(value)).toEqual({ text: value })
  })

  test("is made of bytes that decode to what they were, where it is bytes", () => {
    if (shape.format === "base64url")
      for (const value of values)
        expect(Buffer.from(value, "base64url").toString("base64url")).toBe(value)
    else if (shape.format === "hex")
      for (const value of values)
        expect(Buffer.from(value.slice(shape.prefix?.length ?? 0), "hex").length).toBe(
          lengthOf(shape) / 2,
        )
    else expect(shape.format === "uuid" || lengthOf(shape) >= 16).toBe(true)
  })
})

test("every class that an alphabet has is in each value", () => {
  // A value of 16 lacks the one digit in 79 % of drafts: each such draft is thrown away.
  for (let count = 0; count < 300; count++)
    expect(
      randomText(16, random, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ7@"),
    ).toMatch(/^(?=.*[a-z])(?=.*[A-Z])(?=.*7)(?=.*@)/)
})

/** All texts of this length, counted one by one. */
function counted(length: number, alphabet: string): Map<string, number> {
  const all = new Map<string, number>()
  const walk = (text: string): void => {
    if (text.length < length) for (const char of alphabet) walk(text + char)
    else if (
      /^[aAb]/.test(text) &&
      /[aAb1]$/.test(text) &&
      /[ab]/.test(text) &&
      text.includes("A") &&
      text.includes("1") &&
      text.includes("-")
    )
      all.set(text, 0)
  }
  walk("")
  return all
}

test("bits are log2 of the number of values, counted one by one", () => {
  for (const length of [8, 9])
    expect(bitsOf({ alphabet: "abA1-", length })).toBeCloseTo(
      Math.log2(counted(length, "abA1-").size),
      9,
    )
})

test("values are uniform: each of all that there are comes as often as any other", () => {
  // Five draws for each of some thousand values; chi-squared within 7.5 standard deviations: fails
  // by chance below 2^-40.
  const all = counted(8, "aA1-")
  const draws = all.size * 5
  for (let count = 0; count < draws; count++) {
    const value = randomText(8, random, "aA1-")
    all.set(value, (all.get(value) ?? Number.NaN) + 1)
  }
  const chi = [...all.values()].reduce((sum, seen) => sum + (seen - 5) ** 2 / 5, 0)
  expect(Math.abs(chi - (all.size - 1)) / Math.sqrt(2 * (all.size - 1))).toBeLessThan(7.5)
})

test.each([
  [{}, "191.9 bits", "32 characters"],
  [{ length: 35 }, "210.0 bits", "35 characters"],
  [{ length: 16 }, "94.7 bits", "16 characters"],
  [{ format: "hex" }, "256.0 bits", "64 hex digits"],
  [{ format: "base64url" }, "256.0 bits", "43 characters of base64url"],
  [{ format: "base64url", length: 24 }, "144.0 bits", "24 characters of base64url"],
  [{ format: "uuid" }, "122.0 bits", "a UUID"],
  [{ prefix: "sk_live_" }, "191.9 bits", "a prefix and 32 characters"],
  [{ alphabet: "0123456789", length: 40 }, "132.8 bits", "40 characters"],
] as const)("%j has %s", (shape, bits, message) => {
  expect([sayBits(shape), sayShape(shape)]).toEqual([bits, message])
})

test("lengthFor() finds the smallest length that is strong enough", () => {
  expect(lengthFor({}, 209.6, 24, 256)).toBe(35)
  expect(lengthFor({}, 128, 16, 256)).toBe(22)
  expect(lengthFor({ format: "hex" }, 129, 16, 256)).toBe(34)
  expect(lengthFor({ format: "base64url" }, 256, 16, 256)).toBe(43)
  expect(lengthFor({}, 4000, 24, 256)).toBeUndefined()
  expect(bitsOf({ alphabet: portableAlphabet })).toBe(bitsOf({}))
})

test.each(["hex", "base64url", "uuid", "password"] as const)(
  "a stuck generator makes no %s",
  async (format) => {
    for (const byte of [0, 7, 255])
      expect(
        (
          await errorOf(
            Promise.resolve().then(() =>
              makeValue({ format }, (count) => new Uint8Array(count).fill(byte)),
            ),
          )
        ).code,
      ).toBe("random-broken")
  },
)
