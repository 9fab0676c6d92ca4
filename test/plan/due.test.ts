import { expect, test } from "bun:test"
import { dueAt, nextDue } from "../../src/plan/due.ts"
import { type Schedule, parseSchedule } from "../../src/plan/schedule.ts"

const dayMs = 86_400_000
const hourMs = 3_600_000

function schedule(pattern: string, timezone = "UTC"): Schedule {
  const found = parseSchedule(pattern, timezone)
  if ("problem" in found) throw new Error(found.problem)
  return found
}

/**
 * Rotates as the service would, for `years`, each rotation a moment after its tick: counts, and the
 * greatest age seen.
 */
function simulate(
  pattern: string,
  timezone: string,
  everyMs: number,
  years: number,
): { readonly count: number; readonly oldestMs: number } {
  const ticks = schedule(pattern, timezone)
  const end = Date.UTC(2026 + years, 0, 1)
  let rotatedAt = new Date(Date.UTC(2026, 0, 1, 12))
  let count = 0
  let oldestMs = 0
  for (;;) {
    const due = dueAt(ticks, rotatedAt, everyMs)
    if (due === undefined || due.getTime() > end) return { count, oldestMs }
    // The change set starts up to a second after its tick; the age counts from that start.
    const startedAt = new Date(due.getTime() + 137)
    oldestMs = Math.max(oldestMs, due.getTime() - rotatedAt.getTime())
    rotatedAt = startedAt
    count++
  }
}

test("dueAt() keeps a weekly schedule below 90 days for ten years, with no rotation too many", () => {
  const { count, oldestMs } = simulate("0 3 * * SUN", "UTC", 90 * dayMs, 10)
  expect(oldestMs).toBeLessThanOrEqual(90 * dayMs)
  // 84 days apart: 3652 days are 43 rotations, the first 87 days after the start or less.
  expect(count).toBe(43)
})

test("dueAt() rotates daily × 1 d every day for ten years, not every second day", () => {
  const { count, oldestMs } = simulate("0 3 * * *", "UTC", dayMs, 10)
  expect(oldestMs).toBeLessThanOrEqual(dayMs)
  expect(count).toBe(3651)
})

for (const timezone of ["Europe/Berlin", "America/New_York"]) {
  test(`dueAt() is at most an hour late, on the 25-hour day, in ${timezone}`, () => {
    const daily = simulate("0 3 * * *", timezone, dayMs, 10)
    expect(daily.oldestMs).toBeLessThanOrEqual(dayMs + hourMs)
    expect(daily.count).toBe(3651)
    const weekly = simulate("0 3 * * SUN", timezone, 90 * dayMs, 10)
    expect(weekly.oldestMs).toBeLessThanOrEqual(90 * dayMs)
    expect(weekly.count).toBe(43)
  })
}

test("a tick in the hour that clocks skip comes once, and one in the hour that comes twice comes once", () => {
  for (const [timezone, gap, overlap] of [
    ["Europe/Berlin", "2026-03-29", "2026-10-25"],
    ["America/New_York", "2026-03-08", "2026-11-01"],
  ] as const) {
    const pattern = timezone === "Europe/Berlin" ? "30 2 * * *" : "30 1 * * *"
    const inGap = schedule(timezone === "Europe/Berlin" ? "30 2 * * *" : "30 2 * * *", timezone)
    for (const [ticks, date] of [
      [inGap, gap],
      [schedule(pattern, timezone), overlap],
    ] as const) {
      const from = new Date(`${date}T00:00:00Z`).getTime() - 12 * hourMs
      const seen: string[] = []
      for (
        let at = ticks.next(new Date(from));
        at !== undefined && at.getTime() < from + 48 * hourMs;
        at = ticks.next(at)
      ) {
        seen.push(
          new Intl.DateTimeFormat("en-CA", {
            timeZone: timezone,
            year: "numeric",
            month: "2-digit",
            day: "2-digit",
          }).format(at),
        )
      }
      expect(seen.filter((one) => one === date)).toHaveLength(1)
    }
  }
})

test("dueAt() is at once after a month off, and only once", () => {
  const ticks = schedule("0 3 * * SUN")
  const rotatedAt = new Date("2026-01-04T03:00:00.2Z")
  const due = dueAt(ticks, rotatedAt, 30 * dayMs)
  expect(due?.toISOString()).toBe("2026-02-01T03:00:00.000Z")
  const caughtUp = new Date("2026-03-04T11:11:00Z")
  expect(dueAt(ticks, caughtUp, 30 * dayMs)?.toISOString()).toBe("2026-03-29T03:00:00.000Z")
})

test("dueAt() takes the next tick where none comes in time", () => {
  expect(
    dueAt(schedule("0 3 1 * *"), new Date("2026-01-01T03:00:01Z"), 7 * dayMs)?.toISOString(),
  ).toBe("2026-02-01T03:00:00.000Z")
})

test("nextDue() of a value of unknown age is the next tick after it was taken over, however seldom it rotates", () => {
  const version = {
    id: "v1",
    madeAt: "2026-01-04T12:00:00.000Z",
    clear: {},
    sealed: "",
    fingerprints: {},
    stage: { kind: "current" },
  } as const
  const due = (adopted: "undated" | "dated"): string | undefined =>
    nextDue(
      schedule("0 3 * * *"),
      { rotatedAt: version.madeAt, versions: [{ ...version, adopted }] },
      90 * dayMs,
    )?.toISOString()
  expect(due("undated")).toBe("2026-01-05T03:00:00.000Z")
  expect(due("dated")).toBe("2026-04-04T03:00:00.000Z")
})
