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
