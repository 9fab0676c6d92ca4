import { expect, test } from "bun:test"
import { Cron } from "croner"
import { type Schedule, parseSchedule } from "../../src/plan/schedule.ts"

function schedule(pattern: string, timezone: string): Schedule {
  const parsed = parseSchedule(pattern, timezone)
  if ("problem" in parsed) throw new Error(parsed.problem)
  return parsed
}

/** UTC is reckoned without the zones of the world; a zone that has had no offset since 1912 must agree. */
test.each(["0 3 * * SUN", "*/7 * * * *", "0 0 29 2 *", "15 2 1 * *", "0 3 * * 1-5"])(
  "the ticks of %s in UTC are those of a zone without an offset",
  (pattern) => {
    const [utc, zone] = [schedule(pattern, "UTC"), schedule(pattern, "Africa/Abidjan")]
    let at = new Date("2027-12-31T23:59:30Z")
    for (let count = 0; count < 50; count++) {
      const next = utc.next(at)
      expect(next).toEqual(zone.next(at) as Date)
      expect(utc.previous(at)).toEqual(zone.previous(at) as Date)
      if (next === undefined) break
      at = new Date(next.getTime() + count * 1000)
    }
  },
)

/**
 * Answers between the same two ticks are remembered; on the days when clocks change, too, they must
 * be those of who remembers nothing.
 */
test.each(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])(
  "what is remembered of the ticks is what they are, in %s",
  (timezone) => {
    for (const pattern of ["30 2 * * *", "*/20 * * * *", "0 3 * * SUN"]) {
      const ours = schedule(pattern, timezone)
      const fresh = new Cron(pattern, { timezone, paused: true })
      let seed = 1
      for (let count = 0; count < 400; count++) {
        seed = (seed * 48_271) % 2_147_483_647
        // Days about a change of the clocks, half of the time one after the other.
        const day = Date.parse(
          ["2027-03-28", "2027-10-31", "2027-03-14", "2027-11-07", "2027-04-04", "2027-10-03"][
            seed % 6
          ] ?? "",
        )
        const at = new Date(day + Math.floor((seed % 172_800) - 43_200) * 1000)
        if (count % 3 !== 0)
          expect({ at, next: ours.next(at) }).toEqual({ at, next: fresh.nextRun(at) as Date })
        if (count % 3 !== 1)
          expect({ at, previous: ours.previous(at) }).toEqual({
            at,
            previous: fresh.previousRuns(1, at)[0] as Date,
          })
      }
    }
  },
)

/** Told by arithmetic, for it is what most configs say; it must be what the library says of it. */
test.each(["0 3 * * *", "59 23 * * *", "0 0 * * *", "7 12 * * *"])(
  "the daily ticks of %s in UTC are the library's, at each side of one and to the end of time",
  (pattern) => {
    const fresh = new Cron(pattern, { utcOffset: 0, paused: true })
    const [minute = 0, hour = 0] = pattern.split(" ").map(Number)
    for (const day of ["1970-01-01", "1970-01-02", "2028-02-29", "2099-12-31", "2899-12-31"]) {
      const tick = Date.parse(day) + (hour * 60 + minute) * 60_000
      for (const beside of [-86_400_000, -1000, -999, -1, 0, 1, 999, 1000, 86_400_000]) {
        const at = new Date(tick + beside)
        if (at.getTime() < 0) continue
        const ours = schedule(pattern, "UTC")
        expect({ at, next: ours.next(at) }).toEqual({ at, next: fresh.nextRun(at) as Date })
        expect({ at, previous: ours.previous(at) }).toEqual({
          at,
          previous: fresh.previousRuns(1, at)[0] as Date,
        })
      }
    }
    for (const at of [new Date(-1000), new Date(Date.UTC(3100, 0)), new Date(8.64e15)]) {
      expect(schedule(pattern, "UTC").next(at)).toEqual((fresh.nextRun(at) ?? undefined) as Date)
      expect(schedule(pattern, "UTC").previous(at)).toEqual(fresh.previousRuns(1, at)[0] as Date)
    }
  },
)
