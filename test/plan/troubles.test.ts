import { expect, test } from "bun:test"
import { foreseenTroubles, troublesOf } from "../../src/plan/troubles.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import type { StateDocument } from "../../src/core/state.ts"

/** What is told now, and what time alone will bring: two answers that must never differ. */

const schedule = parseSchedule("0 * * * *", "UTC")
if ("problem" in schedule) throw new Error(schedule.problem)
const of = {
  environment: "production",
  secrets: [{ name: "key", rotateEveryMs: 86_400_000 }],
  schedule,
}
const version = { madeAt: "2026-03-01T00:00:00.000Z", clear: {}, sealed: "", fingerprints: {} }
const document = {
  secrets: {
    key: {
      driver: "generated",
      rotatedAt: "2026-03-01T00:00:00.000Z",
      versions: [
        { id: "v2", stage: { kind: "current" }, ...version },
        {
          id: "v1",
          stage: { kind: "previous", revokeAt: "2026-03-01T00:10:00.000Z", endSessions: false },
          ...version,
        },
      ],
    },
  },
} as unknown as StateDocument

test("what is foreseen at any time is what is told once that time has come", () => {
  const start = Date.parse("2026-03-01T00:00:01Z")
  const foreseen = foreseenTroubles(document, of, new Date(start))
  expect(foreseen.map(({ code, from }) => [code, new Date(from).toISOString()])).toEqual([
    ["revoke-owed", "2026-03-01T00:25:00.000Z"],
    ["rotation-overdue", "2026-03-02T01:00:00.000Z"],
  ])
  for (let minute = 0; minute < 2 * 24 * 60; minute++) {
    const now = start + minute * 60_000
    const told = troublesOf(document, of, new Date(now)).map(({ code }) => code)
    expect(told).toEqual(foreseen.filter(({ from }) => from < now).map(({ code }) => code))
  }
})
