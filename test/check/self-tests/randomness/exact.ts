/**
 * What `randomText` makes, counted exactly: all texts of a length with a letter first, an
 * alphanumeric last, all four classes and enough different characters. By inclusion and exclusion
 * over the classes that are missing.
 */

const sizes = { lower: 26, upper: 26, digit: 10, special: 3 } as const
export type Class = keyof typeof sizes
const classes = ["lower", "upper", "digit", "special"] as const

function binomial(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n
  let result = 1n
  for (let i = 1; i <= k; i++) result = (result * BigInt(n - k + i)) / BigInt(i)
  return result
}

const surjectionsKnown = new Map<string, bigint>()
/** Sequences of length n in which each of u characters stands at least once. */
function surjections(n: number, u: number): bigint {
  if (u > n) return 0n
  if (u === 0) return n === 0 ? 1n : 0n
  const key = `${n},${u}`
  const known = surjectionsKnown.get(key)
  if (known !== undefined) return known
  const result = BigInt(u) * (surjections(n - 1, u) + surjections(n - 1, u - 1))
  surjectionsKnown.set(key, result)
  return result
}

/**
 * Sequences of length n over m characters that use at least `least` characters outside of a chosen
 * w of them.
 */
function sequences(n: number, m: number, w: number, least: number): bigint {
  let sum = 0n
  for (let u = Math.max(0, least); u <= Math.min(n, m - w); u++) {
    let ways = 0n
    for (let i = u; i <= n; i++)
      ways += binomial(n, i) * BigInt(w) ** BigInt(n - i) * surjections(i, u)
    sum += binomial(m - w, u) * ways
  }
  return sum
}

/**
 * The texts in which a given character of `of` stands k times between the first and the last, with
 * only `present` classes allowed.
 */
function textsWith(
  k: number,
  of: Class,
  present: readonly Class[],
  length: number,
  different: number,
): bigint {
  const sum = (names: readonly Class[]): number =>
    names.filter((one) => present.includes(one)).reduce((all, one) => all + sizes[one], 0)
  const [all, letters, ends] = [
    sum(classes),
    sum(["lower", "upper"]),
    sum(["lower", "upper", "digit"]),
  ]
  if (!present.includes(of))
    return k === 0 ? textsWithout(all, letters, ends, length, different) : 0n
  const isLetter = of === "lower" || of === "upper" ? 1 : 0
  const isEnd = of === "special" ? 0 : 1
  const inner = length - 2
  const rest = (w: number, used: boolean): bigint =>
    sequences(inner - k, all - 1, w, different - w - (used || k > 0 ? 1 : 0))
  const cases =
    BigInt(isLetter) * rest(0, true) +
    BigInt(isLetter * (ends - 1)) * rest(1, true) +
    BigInt(isEnd * (letters - isLetter)) * rest(1, true) +
    BigInt(letters - isLetter) * rest(1, false) +
    BigInt(Math.max(0, (letters - isLetter) * (ends - isEnd - 1))) * rest(2, false)
  return binomial(inner, k) * cases
}

function textsWithout(
  all: number,
  letters: number,
  ends: number,
  length: number,
  different: number,
): bigint {
  return (
    BigInt(letters) * sequences(length - 2, all, 1, different - 1) +
    BigInt(Math.max(0, letters * (ends - 1))) * sequences(length - 2, all, 2, different - 2)
  )
}

/**
 * By k: how many of all strong texts hold a given character of this class k times between the first
 * and the last.
 */
export function strongTexts(of: Class, length: number, different: number): readonly bigint[] {
  const subsets = Array.from({ length: 16 }, (_, bits) =>
    classes.filter((_, index) => (bits & (1 << index)) !== 0),
  )
  return Array.from({ length: length - 1 }, (_, k) =>
    subsets.reduce(
      (sum, present) =>
        sum + (present.length % 2 === 0 ? 1n : -1n) * textsWith(k, of, present, length, different),
      0n,
    ),
  )
}

export function total(counts: readonly bigint[]): bigint {
  return counts.reduce((sum, one) => sum + one, 0n)
}

/** log2 of a count that no number holds. */
export function log2(count: bigint): number {
  const digits = count.toString(2)
  return digits.length - 53 + Math.log2(Number(BigInt(`0b${digits.slice(0, 53)}`)))
}

/** The probability of each k. */
export function distribution(of: Class, length: number, different: number): readonly number[] {
  const counts = strongTexts(of, length, different)
  const all = total(counts)
  return counts.map((one) => (one === 0n ? 0 : 2 ** (log2(one) - log2(all))))
}

/** Nothing of interest lies beyond: a thousand values hold a character some five hundred times. */
const most = 3000
type Sum = Float64Array<ArrayBuffer>

function convolve(one: Sum, other: Sum): Sum {
  const sum = new Float64Array(Math.min(most, one.length + other.length - 1))
  one.forEach((p, i) => {
    if (p > 0)
      for (let j = 0; j < other.length && i + j < sum.length; j++)
        sum[i + j] = (sum[i + j] ?? 0) + p * (other[j] ?? 0)
  })
  return sum
}

/**
 * The distribution of the sum over `values` independent texts. Adds what is positive only, so that
 * small tails stay exact.
 */
export function sumOf(single: readonly number[], values: number): Sum {
  let sum = Float64Array.of(1)
  let power = Float64Array.from(single)
  for (let left = values; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) sum = convolve(sum, power)
    if (left > 1) power = convolve(power, power)
  }
  return sum
}

/** The narrowest bounds that a sum misses on either side with probability `alpha` at most. */
export function boundsOf(sum: Sum, alpha: number): readonly [least: number, most: number] {
  let least = 0
  for (let below = sum[0] ?? 0; below <= alpha; below += sum[least] ?? 0) least++
  let upper = sum.length - 1
  for (let above = sum[upper] ?? 0; above <= alpha; above += sum[upper] ?? 0) upper--
  return [least, upper]
}
