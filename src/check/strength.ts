/**
 * Bits of a generated value: log2 of how many texts `randomText` can make, each as likely as any other. By inclusion and
 * exclusion over missing classes; that some characters must differ costs under 0.002 bits, and is left out.
 */
export function bitsOf(length: number): number {
  let share = 0
  for (let missing = 0; missing < 16; missing++) {
    const lower = missing & 1 ? 0 : 26
    const upper = missing & 2 ? 0 : 26
    const digit = missing & 4 ? 0 : 10
    const special = missing & 8 ? 0 : 3
    const even = [1, 2, 4, 8].filter((bit) => missing & bit).length % 2 === 0
    const letters = lower + upper
    const all = letters + digit + special
    share += (even ? 1 : -1) * (letters / 52) * ((letters + digit) / 62) * (all / 65) ** (length - 2)
  }
  return Math.log2(52) + Math.log2(62) + (length - 2) * Math.log2(65) + Math.log2(share)
}

/** "191.9 bits", rounded down. */
export function sayBits(length: number): string {
  return `${(Math.floor(bitsOf(length) * 10) / 10).toFixed(1)} bits`
}
