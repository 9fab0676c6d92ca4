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

/** The two largest units, as a person says it: "4d 12h", "23d", "1m 5s", "0s". */
export function formatDuration(ms: number): string {
  const parts: string[] = []
  let rest = Math.max(0, Math.round(ms / 1000)) * 1000
  for (const unit of ["d", "h", "m", "s"] as const) {
    const count = Math.floor(rest / unitMs[unit])
    rest -= count * unitMs[unit]
    if (count > 0) parts.push(`${count}${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.length > 0 ? parts.join(" ") : "0s"
}
