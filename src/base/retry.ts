/**
 * The pause (ms) after this many failures in a row: 1 m, 2 m, 4 m … at most an hour, varied by a
 * fifth either way.
 */
export function backoffMs(failures: number, random: (count: number) => Uint8Array): number {
  const base = Math.min(3_600_000, 60_000 * 2 ** Math.max(0, Math.min(failures, 10) - 1))
  const [spread = 0] = random(1)
  return Math.round(base * (0.8 + (0.4 * spread) / 255))
}
