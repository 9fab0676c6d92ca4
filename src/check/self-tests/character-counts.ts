/**
 * How often each character may stand in that number of values of 32 characters, between the first and the
 * last.
 *
 * The characters of one value depend on each other (a text without a digit is thrown away), so the
 * exact distribution of "how often in one value" is counted and folded with itself once a value;
 * values are independent. The bounds are the narrowest that all 65 characters together leave, on
 * either side, with a probability of at most 2^-42: a 130th of that for each character and side
 * (Bonferroni). test/check/randomness derives them again. With 1,000 values they find a character
 * that comes 40 % too often or too seldom, with 100 one that comes twice as often.
 */

export type ValueCount = keyof typeof bounds

type Bounds = { readonly letter: Range; readonly digit: Range; readonly special: Range }
type Range = readonly [least: number, most: number]

/** Specials come more often than their share of the alphabet: each value must hold one. */
export const bounds = {
  100: { letter: [4, 107], digit: [4, 107], special: [13, 124] },
  1000: { letter: [298, 630], digit: [301, 633], special: [439, 794] },
} as const satisfies Readonly<Record<number, Bounds>>

const classes = {
  letter: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
  digit: "0123456789",
  special: "-._",
} as const

/** True if every character comes about as often as it should. */
export function isEven(values: readonly string[], count: ValueCount): boolean {
  const seen = new Uint32Array(128)
  for (const value of values) {
    for (let at = 1; at < value.length - 1; at++) {
      const code = value.charCodeAt(at)
      seen[code] = (seen[code] ?? 0) + 1
    }
  }
  return (["letter", "digit", "special"] as const).every((name) => {
    const [least, most] = bounds[count][name]
    return [...classes[name]].every((one) => isWithin(seen[one.charCodeAt(0)] ?? 0, least, most))
  })
}

function isWithin(count: number, least: number, most: number): boolean {
  return count >= least && count <= most
}
