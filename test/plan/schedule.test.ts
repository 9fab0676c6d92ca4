import { expect, test } from "bun:test"
import { type Schedule, parseSchedule } from "../../src/plan/schedule.ts"

function schedule(pattern: string, timezone: string): Schedule {
  const parsed = parseSchedule(pattern, timezone)
  if ("problem" in parsed) throw new Error(parsed.problem)
  return parsed
}

/** UTC is reckoned without the zones of the world; a zone that has had no offset since 1912 must agree. */
test.each(["0 3 * * SUN", "*/7 * * * *", "0 0 29 2 *", "15 2 1 * *", "0 3 * * 1-5"])("the ticks of %s in UTC are those of a zone without an offset", (pattern) => {
  const [utc, zone] = [schedule(pattern, "UTC"), schedule(pattern, "Africa/Abidjan")]
  let at = new Date("2027-12-31T23:59:30Z")
  for (let count = 0; count < 50; count++) {
    const next = utc.next(at)
    expect(next).toEqual(zone.next(at) as Date)
    expect(utc.previous(at)).toEqual(zone.previous(at) as Date)
    if (next === undefined) break
    at = new Date(next.getTime() + count * 1000)
  }
})
