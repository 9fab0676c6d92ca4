import { expect, test } from "bun:test"
import { day, when } from "../../src/cli/when.ts"

test("an instant in UTC reads as one in a zone without an offset", () => {
  const now = new Date("2028-06-01T00:00Z")
  for (let hour = 0; hour < 24 * 366; hour += 7) {
    const at = new Date(Date.UTC(2028, 0, 1, hour, hour % 60))
    expect(when(at, "UTC", now)).toBe(when(at, "Africa/Abidjan", now).replace("GMT", "UTC"))
  }
})

test("an instant of another year says which, as the zone counts years", () => {
  const now = new Date("2026-11-28T00:00Z")
  const at = new Date("2026-12-31T23:30Z")
  expect([when(at, "UTC", now), day(at, "UTC", now)]).toEqual([
    "Thu 31 Dec 23:30 UTC",
    "Thu 31 Dec",
  ])
  expect(day(at, "Europe/Berlin", now)).toBe("Fri 1 Jan 2027")
  expect(when(new Date("2027-02-01T03:00Z"), "UTC", now)).toBe("Mon 1 Feb 2027 03:00 UTC")
})
