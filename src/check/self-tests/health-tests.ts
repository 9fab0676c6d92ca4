/**
 * The two continuous health tests of NIST SP 800-90B (4.4.1 repetition count, 4.4.2 adaptive
 * proportion), on bytes that
 * should hold full entropy (H = 8 bits a byte). NIST's alpha is the false-alarm rate of one look;
 * here the alarm of a
 * whole run must be rarer, so alpha is divided by the number of looks.
 */

const entropyBits = 8
/** NIST's window for samples that are no single bits. */
const windowSize = 512

/**
 * What is wrong with these bytes, or undefined. Sound bytes fail with a probability of at most 2 *
 * 2^-`alphaBits`.
 */
export function healthFault(bytes: Uint8Array, alphaBits: number): string | undefined {
  const windows = Math.max(1, Math.floor(bytes.length / windowSize))
  if (hasRun(bytes, repetitionCutoff(alphaBits + Math.log2(Math.max(1, bytes.length)))))
    return "it repeats one byte again and again (repetition count test)"
  if (mostOfFirst(bytes) >= proportionCutoff(alphaBits + Math.log2(windows)))
    return "one byte comes far too often (adaptive proportion test)"
  return undefined
}

/**
 * C = 1 + ceil(-log2(alpha) / H): a run of C equal bytes has the probability 2^(-8 (C - 1)) at each
 * place. One look at
 * alpha = 2^-40: 6. A run over 64 KiB at 2^-42: 9.
 */
export function repetitionCutoff(alphaBits: number): number {
  return 1 + Math.ceil(alphaBits / entropyBits)
}

/**
 * C = 1 + critbinom(W, 2^-H, 1 - alpha), W = 512; the first byte of a window counts itself, so the
 * other 511 are binomial.
 * One window at alpha = 2^-40: 20 (NIST, which takes all 512 for binomial: 19).
 */
export function proportionCutoff(alphaBits: number): number {
  const chances = binomial(windowSize - 1, 2 ** -entropyBits)
  let cutoff = chances.length
  // From the far end: adding up what is small first keeps the sum exact.
  for (
    let tail = chances[cutoff - 1] ?? 0;
    tail <= 2 ** -alphaBits;
    tail += chances[cutoff - 1] ?? 0
  )
    cutoff--
  return cutoff + 1
}

/** P(X = k) for k = 0 … 127; what lies beyond is below 2^-500 here. */
function binomial(n: number, p: number): readonly number[] {
  const chances = [(1 - p) ** n]
  for (let k = 1; k < 128; k++)
    chances.push(((chances[k - 1] ?? 0) * (n - k + 1) * p) / (k * (1 - p)))
  return chances
}

/**
 * Are there that many equal bytes in a row? Wherever such a run begins, two of it stand at a multiple
 * of its length less one, and right after that: nowhere else need be looked at.
 */
function hasRun(bytes: Uint8Array, length: number): boolean {
  const stride = Math.max(1, length - 1)
  for (let at = 0; at < bytes.length - 1; at += stride)
    if (bytes[at] === bytes[at + 1] && runAround(bytes, at) >= length) return true
  return false
}

function runAround(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  let [first, last] = [at, at]
  while (first > 0 && bytes[first - 1] === byte) first--
  while (last + 1 < bytes.length && bytes[last + 1] === byte) last++
  return last - first + 1
}

/** The largest number of times that the first byte of a window stands in it. */
function mostOfFirst(bytes: Uint8Array): number {
  let most = 0
  for (let start = 0; start + windowSize <= bytes.length; start += windowSize) {
    const window = bytes.subarray(start, start + windowSize)
    const first = window[0] ?? 0
    let count = 0
    // By the runtime's own search: a loop over each byte would take longer than all else here.
    for (let at = 0; at !== -1; at = window.indexOf(first, at + 1)) count++
    if (count > most) most = count
  }
  return most
}
