import { AppError } from "../../base/error.ts"
import { isStrongText, randomText } from "../../base/text/random-text.ts"
import { sayBits } from "../../base/text/value-shape.ts"
import type { Finding } from "../../core/ports.ts"
import { type ValueCount, isEven } from "./character-counts.ts"
import { defineCheck, runCheck } from "./check.ts"
import { healthFault } from "./health-tests.ts"

/**
 * Does this machine's generator make values that cannot be guessed? Made with the real code, from
 * bytes that are looked at too. A sound machine fails with a probability of at most 2^-40: 2 *
 * 2^-42 for the health tests, 2^-42 for the characters; that two values are equal has 2^-172.
 */

export type Random = (count: number) => Uint8Array

const length = 32
const alphaBits = 42
/**
 * One value takes 64 or 128 bytes; a generator of which nothing can be used would be asked for
 * ever.
 */
const mostBytes = 65_536

export const randomness = defineCheck({
  name: "randomness",
  faults: {
    "random-broken": {
      severity: "error",
      remedy:
        "make no value on this machine: look at its entropy source (a container or a virtual " +
        "machine that was cloned, a replaced getrandom)",
    },
    "random-biased": {
      severity: "error",
      remedy:
        "make no value on this machine: something stands between mycelium and the generator of the kernel",
    },
  },
  inspect: (subject: { readonly random: Random; readonly count: ValueCount }, report) => {
    const { bytes, values, failed } = draw(subject)
    const health = healthFault(bytes, alphaBits)
    if (health !== undefined)
      report.found("random-broken", `the random generator is not sound: ${health}`)
    if (failed)
      report.found(
        "random-broken",
        "the random generator gives nothing that a value could be made of",
      )
    if (new Set(values).size < values.length)
      report.found("random-broken", "the random generator repeats itself: two values are equal")
    if (!values.every(isStrongText))
      report.found("random-broken", "a generated value lacks a class of characters")
    if (!failed && !isEven(values, subject.count))
      report.found(
        "random-biased",
        "some characters come far too often in generated values, or too seldom",
      )
    return (
      `${values.length} values of ${length} characters (${sayBits({ length })}), ` +
      `all different, characters even; their ${bytes.length} bytes pass the health tests`
    )
  },
})

/** What is wrong with this generator; empty where it is sound. */
export async function randomnessFindings(
  random: Random,
  count: ValueCount,
): Promise<readonly Finding[]> {
  return (await runCheck(randomness, { random, count })).findings
}

/**
 * Before anything that makes values: throws `random-broken` where this machine cannot. Takes about
 * 2 ms.
 */
export async function refuseBrokenRandom(random: Random): Promise<void> {
  const [first] = await randomnessFindings(random, 100)
  if (first !== undefined)
    throw new AppError("random-broken", first.message, {
      hint: "no value is made here: run mycelium check",
    })
}

type Drawn = {
  readonly bytes: Uint8Array
  readonly values: readonly string[]
  readonly failed: boolean
}

/** Makes the values, and keeps every byte that went into them. */
function draw({ random, count }: { readonly random: Random; readonly count: number }): Drawn {
  const chunks: Uint8Array[] = []
  const values: string[] = []
  let used = 0
  const watched: Random = (wanted) => {
    const bytes = random(wanted)
    used += bytes.length
    if (bytes.length !== wanted || used > mostBytes)
      throw new AppError("random-broken", "the generator gives nothing that can be used")
    chunks.push(new Uint8Array(bytes))
    return bytes
  }
  try {
    for (let made = 0; made < count; made++) {
      used = 0
      values.push(randomText(length, watched))
    }
    return { bytes: Buffer.concat(chunks), values, failed: false }
  } catch {
    return { bytes: Buffer.concat(chunks), values, failed: true }
  }
}
