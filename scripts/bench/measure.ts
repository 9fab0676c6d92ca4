/** Small tools of the bench: medians, and a row as a ratio taken in one run. */

export type Row = { readonly row: string; readonly ours: string; readonly limit: string; readonly ratio: number; readonly aim: string; readonly met: boolean; readonly note: string }

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** Both in turn, so that what the machine does besides hits both. Milliseconds of each round. */
export async function inTurn(rounds: number, ours: () => Promise<void>, limit: () => Promise<void>): Promise<{ readonly ours: readonly number[]; readonly limit: readonly number[] }> {
  const times = { ours: [] as number[], limit: [] as number[] }
  const time = async (act: () => Promise<void>): Promise<number> => {
    const began = performance.now()
    await act()
    return performance.now() - began
  }
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0
    if (first) times.ours.push(await time(ours))
    times.limit.push(await time(limit))
    if (!first) times.ours.push(await time(ours))
  }
  return times
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`
}
