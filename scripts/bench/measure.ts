/** Small tools of the bench: medians, and a row as a ratio taken in one run. */

export type Row = {
  readonly row: string
  readonly ours: string
  /** The same work done bare. */
  readonly limit: string
  readonly peer?: string
  /** What `aim` speaks of. */
  readonly ratio: number
  readonly aim: string
  readonly met: boolean
  readonly note: string
  /** The same work by a compiled program of another runtime, and what ours is of it; or why there is none. */
  readonly go?: string
  /** Of a row that grows: its figure for each size. */
  readonly figures?: Readonly<Record<string, number>>
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Between its neighbours where it falls between two. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  const at = (sorted.length - 1) * part
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN]
  return low + (high - low) * (at - Math.floor(at))
}

type Act = () => Promise<void>

/** Both in turn, so that what the machine does besides hits both. Milliseconds of each round. */
export async function withServerSlot(
  rounds: number,
  ours: Act,
  limit: Act,
): Promise<{ readonly ours: readonly number[]; readonly limit: readonly number[] }> {
  const [first, second] = await allInTurn(rounds, [ours, limit])
  return { ours: first ?? [], limit: second ?? [] }
}

/** The same for any number; each round begins with another one. */
export async function allInTurn(
  rounds: number,
  acts: readonly Act[],
): Promise<readonly (readonly number[])[]> {
  const times = acts.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < acts.length; step++) {
      const at = (round + step) % acts.length
      const began = performance.now()
      await acts[at]?.()
      times[at]?.push(performance.now() - began)
    }
  }
  return times
}

/**
 * Ours beside the limit as a share of its speed, round by round, so that a burst of other work
 * spoils one round and not the row.
 */
export function shareOf(times: {
  readonly ours: readonly number[]
  readonly limit: readonly number[]
}): number {
  return median(times.limit.map((limit, round) => limit / (times.ours[round] ?? Number.NaN)))
}

/** The cell of a row: the bare acts by a program of Go, and what ours is of it. */
export function besideGo(
  ours: readonly number[],
  go: readonly number[],
  each: number,
  what: string,
): string {
  return `${aSecond(median(go) / each)} Go: ${what}; ours is ${shareOf({ ours, limit: go }).toFixed(2)} of it`
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`
}

/** As often a second as `ms` allow. */
export function aSecond(ms: number): string {
  const rate = 1000 / ms
  return `${rate.toFixed(rate < 20 ? 1 : 0)}/s`
}
