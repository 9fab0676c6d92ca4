const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** Milliseconds of "90d", "10m", "1h30m", "0s"; undefined if it is no duration. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d{1,9}(ms|[smhdw]))+$/.test(text)) return undefined
  let total = 0
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdw])/g)) {
    total += Number(count) * unitMs[unit as keyof typeof unitMs]
  }
  return total
}

/**
 * The two largest units, as a person says it: "4d 12h", "23d", "1m 5s", "0s". Without a loop or a
 * list: `status` says thousands of them at its start, where nothing is compiled yet.
 */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds >= 86_400) return twoUnits(seconds, 86_400, "d", "h")
  if (seconds >= 3600) return twoUnits(seconds, 3600, "h", "m")
  if (seconds >= 60) return twoUnits(seconds, 60, "m", "s")
  return seconds > 0 ? `${seconds}s` : "0s"
}

const perUnit = { h: 3600, m: 60, s: 1 } as const

function twoUnits(seconds: number, per: number, large: string, small: "h" | "m" | "s"): string {
  const count = Math.floor(seconds / per)
  const rest = Math.floor((seconds - count * per) / perUnit[small])
  return rest > 0 ? `${count}${large} ${rest}${small}` : `${count}${large}`
}
