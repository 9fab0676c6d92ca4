import { expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { leastDifferent, randomText } from "../../../../src/base/text/random-text.ts"
import { bounds } from "../../../../src/check/self-tests/character-counts.ts"
import {
  healthFault,
  proportionCutoff,
  repetitionCutoff,
} from "../../../../src/check/self-tests/health-tests.ts"
import {
  randomnessFindings,
  refuseBrokenRandom,
} from "../../../../src/check/self-tests/randomness.ts"
import { bitsOf, sayBits } from "../../../../src/base/text/value-shape.ts"
import { errorOf } from "../../../support/error-of.ts"
import { boundsOf, distribution, log2, strongTexts, sumOf, total } from "./exact.ts"

/**
 * False alarms: what asks the real generator fails by chance with at most the rate that
 * randomness.ts states, 2^-40. Repeating generators are found for certain (more values than places
 * to start at), and so are characters that cannot come; the other biased ones are ten standard
 * deviations and more beyond the bounds.
 */

type Random = (count: number) => Uint8Array

/** A true random prefix of `period` bytes, again and again. */
function repeating(period: number): Random {
  const bytes = randomBytes(period)
  let at = 0
  return (count) => Uint8Array.from({ length: count }, () => bytes[at++ % period] ?? 0)
}

const codesOf = async (random: Random, count: 100 | 1000 = 1000): Promise<readonly string[]> =>
  (await randomnessFindings(random, count)).map(({ code }) => code)

test("randomnessFindings() finds nothing wrong with the kernel's generator", async () => {
  expect(await randomnessFindings((count) => randomBytes(count), 1000)).toEqual([])
  expect(await randomnessFindings((count) => randomBytes(count), 100)).toEqual([])
})

for (const period of [1, 7, 64, 4096]) {
  test(`randomnessFindings() finds a generator that repeats itself after ${period} bytes, also the quick one`, async () => {
    expect(await codesOf(repeating(period))).toContain("random-broken")
    expect(await codesOf(repeating(period), 100)).toContain("random-broken")
  })
}

test("randomnessFindings() ends, and finds a generator of which no byte can be used", async () => {
  expect(await codesOf((count) => new Uint8Array(count).fill(255))).toContain("random-broken")
  expect(await codesOf(() => new Uint8Array(0))).toContain("random-broken")
  expect(
    await codesOf(() => {
      throw new Error("no entropy")
    }),
  ).toContain("random-broken")
})

test("randomnessFindings() finds bits that are stuck, by the characters that they favour", async () => {
  expect(await codesOf((count) => randomBytes(count).map((byte) => byte & 0x3f))).toContain(
    "random-biased",
  )
})

test("randomnessFindings() finds one byte that comes too often, by its windows", async () => {
  expect(
    await codesOf((count) =>
      randomBytes(count).map((byte, index) => (index % 16 === 0 ? 100 : byte)),
    ),
  ).toContain("random-broken")
})

test("randomnessFindings() finds a bias of the characters that the health tests do not see", async () => {
  // Two of the three bytes that stand for one character become its neighbour's: 151 of it instead
  // of 454, sd 12, least 298.
  const biased: Random = (count) =>
    randomBytes(count).map((byte) => (byte === 17 || byte === 147 ? byte + 1 : byte))
  expect(await codesOf(biased)).toContain("random-biased")
})

test("refuseBrokenRandom() refuses with one code, and lets a sound generator pass", async () => {
  await refuseBrokenRandom((count) => randomBytes(count))
  expect((await errorOf(refuseBrokenRandom(repeating(64)))).code).toBe("random-broken")
  expect(
    (await errorOf(refuseBrokenRandom((count) => randomBytes(count).map((byte) => byte & 0x3f))))
      .code,
  ).toBe("random-broken")
})

test("repetitionCutoff() is 1 + ceil(40 / 8) at NIST's alpha of 2^-40, and 9 for the bytes of a whole run", () => {
  expect(repetitionCutoff(40)).toBe(6)
  expect(repetitionCutoff(20)).toBe(4)
  expect(repetitionCutoff(42 + Math.log2(80_000))).toBe(9)
})

test("proportionCutoff() is the first count whose binomial tail is below alpha", () => {
  // Summed here the other way round, with rationals: P(X >= k), X ~ B(511, 1/256).
  const tail = (least: number): bigint => {
    let sum = 0n
    for (let k = least; k <= 511; k++) sum += choose(511, k) * 255n ** BigInt(511 - k)
    return sum
  }
  for (const [bits, cutoff] of [
    [20, 14],
    [30, 17],
    [40, 20],
  ] as const) {
    expect(proportionCutoff(bits)).toBe(cutoff)
    expect(tail(cutoff - 1) << BigInt(bits) <= 256n ** 511n).toBe(true)
    expect(tail(cutoff - 2) << BigInt(bits) <= 256n ** 511n).toBe(false)
  }
})

function choose(n: number, k: number): bigint {
  let result = 1n
  for (let i = 1; i <= k; i++) result = (result * BigInt(n - k + i)) / BigInt(i)
  return result
}

test("healthFault() finds a run wherever it begins, and takes no shorter one for it", () => {
  const size = 1000
  const cutoff = repetitionCutoff(42 + Math.log2(size))
  const withRun = (begin: number, length: number): Uint8Array =>
    Uint8Array.from({ length: size }, (_, at) => at % 251).fill(255, begin, begin + length)
  for (let begin = 0; begin + cutoff <= size; begin++) {
    expect(healthFault(withRun(begin, cutoff), 42)).toContain("repetition")
    expect(healthFault(withRun(begin, cutoff - 1), 42)).toBeUndefined()
  }
})

test("healthFault() tells a run from a proportion", () => {
  const run = randomBytes(2048)
  run.fill(7, 600, 620)
  expect(healthFault(run, 42)).toContain("repetition")
  const often = randomBytes(2048)
  for (let at = 0; at < 512; at += 12) often[at] = 9
  expect(healthFault(often, 42)).toContain("proportion")
})

const alpha = 2 ** -42 / 130

for (const [name, of] of [
  ["letter", "lower"],
  ["digit", "digit"],
  ["special", "special"],
] as const) {
  test(`bounds of a ${name} are the narrowest that a 130th of 2^-42 allows, by the exact distribution`, () => {
    const single = distribution(of, 32, leastDifferent(32))
    expect(single.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 12)
    for (const count of [100, 1000] as const)
      expect(boundsOf(sumOf(single, count), alpha)).toEqual([...bounds[count][name]])
  })
}

test("exact counts agree whichever character is counted, and with what randomText makes", () => {
  const counts = (["lower", "digit", "special"] as const).map((of) =>
    total(strongTexts(of, 32, 20)),
  )
  expect(new Set(counts).size).toBe(1)
  // The mean number of dots in a thousand values: 608.7, standard deviation 21; ten of them are 2^-75.
  const dots = Array.from(
    { length: 1000 },
    () =>
      randomText(32, (count) => randomBytes(count))
        .slice(1, -1)
        .split(".").length - 1,
  ).reduce((sum, one) => sum + one, 0)
  expect(Math.abs(dots - 608.7)).toBeLessThan(210)
})

test("bitsOf() says how many texts there are, within a hundredth of a bit", () => {
  for (const length of [12, 16, 24, 32, 35]) {
    const exact = log2(total(strongTexts("lower", length, leastDifferent(length))))
    expect(Math.abs(bitsOf({ length }) - exact)).toBeLessThan(0.01)
  }
  expect(sayBits({})).toBe("191.9 bits")
  expect(bitsOf({ length: 35 })).toBeGreaterThan(209.6)
})
