import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { ticksWithin } from "../../src/config/schedules.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { runs } from "../support/fuzzed.ts"

const hour = 3_600_000
const day = 24 * hour

function within(pattern: string, everyMs: number): boolean {
  const parsed = parseSchedule(pattern, "UTC")
  if ("problem" in parsed) throw new Error(parsed.problem)
  return ticksWithin((at) => parsed.next(at), everyMs)
}

describe("parseSchedule()", () => {
  test.each([
    ["0 25 * * *", "its hour (0 to 23) is wrong"],
    ["60 3 * * *", "its minute (0 to 59) is wrong"],
    ["0 3 32 * *", "its day of the month (1 to 31, or L) is wrong"],
    ["0 3 * 13 *", "its month (1 to 12, or JAN to DEC) is wrong"],
    ["0 3 * * MONDAI", "its day of the week (0 to 7, or SUN to SAT) is wrong"],
    ["x 25 * * *", "its minute (0 to 59), its hour (0 to 23) are wrong"],
    ["0 3 * *", 'five fields, as in "0 3 * * SUN"; it has 4'],
    ["0 3 30 2 *", "no time that ever comes: no month that it names has its day of the month"],
    ["0 3 31 4,6 *", "no time that ever comes: no month that it names has its day of the month"],
  ])("says of %p what is wrong", (pattern, expected) => {
    const parsed = parseSchedule(pattern, "UTC")
    expect("problem" in parsed ? parsed.problem : "none").toContain(expected)
  })
})

describe("ticksWithin()", () => {
  test.each([
    ["0 3 * * *", day, true],
    ["0 3 * * *", day - 1, false],
    ["0 3 * * SUN", 7 * day, true],
    ["0 3 * * SUN", 7 * day - 1, false],
    ["0 3 1 * *", 31 * day, true],
    ["0 3 1 * *", 30 * day, false],
    ["0 9-17 * * MON-FRI", 64 * hour, true],
    ["0 9-17 * * MON-FRI", 63 * hour, false],
    ["0 3 1,2 * *", 30 * day, true],
    ["0 3 1,2 * *", 20 * day, false],
    ["* * * * *", 60_000, true],
    ["0 3 29 2 *", 366 * day, false],
    ["0 3 1 1 *", 366 * day, true],
    ["0 3 1 1 *", 3650 * day, true],
  ])("%s within %d ms: %p", (pattern, everyMs, expected) => {
    expect(within(pattern, everyMs)).toBe(expected)
  })

  test("is false where nothing ticks, or no more", () => {
    expect(ticksWithin(() => undefined, day)).toBe(false)
    expect(
      ticksWithin(
        (at) => (at.getTime() < Date.UTC(2028, 0, 3) ? new Date(at.getTime() + day) : undefined),
        day,
      ),
    ).toBe(false)
  })

  test("agrees with the widest gap between ticks", () => {
    const month = fc.uniqueArray(fc.integer({ min: 1, max: 28 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(month, fc.integer({ min: 1, max: 32 }), (days, age) => {
        const pattern = `0 3 ${[...days].sort((a, b) => a - b).join(",")} * *`
        expect(within(pattern, age * day)).toBe(widestGap(pattern) <= age * day)
      }),
      runs(50),
    )
  })
})

/** Of two years that begin as a leap year. */
function widestGap(pattern: string): number {
  const parsed = parseSchedule(pattern, "UTC")
  if ("problem" in parsed) throw new Error(parsed.problem)
  let widest = 0
  let tick = parsed.next(new Date(Date.UTC(2028, 0, 1)))
  while (tick !== undefined && tick.getTime() < Date.UTC(2030, 0, 1)) {
    const next = parsed.next(tick)
    widest = Math.max(widest, (next?.getTime() ?? Infinity) - tick.getTime())
    tick = next
  }
  return widest
}
