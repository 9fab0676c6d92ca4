import { expect, test } from "bun:test"
import type { SecretState, StateDocument } from "../../src/core/state.ts"
import { agenda } from "../../src/plan/agenda.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"

const parsed = parseSchedule("0 3 * * *", "UTC")
if ("problem" in parsed) throw new Error(parsed.problem)
const schedule = parsed
const now = new Date("2026-06-01T12:00:00Z")
const secrets = [{ name: "db", rotateEveryMs: 7 * 86_400_000 }]

function look(more: Partial<SecretState>): ReturnType<typeof agenda> {
  const versions = [
    {
      id: "v1",
      madeAt: "2026-05-01T00:00:00.000Z",
      stage: { kind: "current" } as const,
      clear: {},
      sealed: "",
      fingerprints: {},
    },
  ]
  const document: StateDocument = {
    format: 1,
    id: "id",
    project: "shop",
    environment: "production",
    serial: 1,
    secrets: {
      db: { driver: "postgres", versions, rotatedAt: "2026-05-01T00:00:00.000Z", ...more },
    },
    audit: { count: 0, head: "", lines: [] },
    mac: "",
  }
  return agenda(document, secrets, schedule, now)
}

test("agenda() waits with a retry, but not for one that was noted while the clock ran ahead by a day or a year", () => {
  const retry = (notBefore: string): NonNullable<SecretState["retry"]> => ({
    failures: 1,
    notBefore,
    code: "x",
    message: "x",
  })
  expect(look({}).due).toEqual(["db"])
  expect(look({ retry: retry("2026-06-01T12:30:00.000Z") }).due).toEqual([])
  expect(look({ retry: retry("2026-06-02T12:30:00.000Z") }).due).toEqual(["db"])
  expect(look({ retry: retry("2027-06-01T12:30:00.000Z") }).due).toEqual(["db"])
})

test("agenda() makes nothing due because a clock is behind: not by an hour, a day or a year", () => {
  for (const ahead of [
    "2026-06-01T13:00:00.000Z",
    "2026-06-02T12:00:00.000Z",
    "2027-06-01T12:00:00.000Z",
  ])
    expect(look({ rotatedAt: ahead }).due).toEqual([])
})

test("agenda() leaves a drifted secret alone: it is neither due nor owed anything", () => {
  const found = look({ drift: { since: "2026-06-01T00:00:00.000Z", code: "current-refused" } })
  expect([found.due, found.owed, found.nextAt]).toEqual([[], false, undefined])
})
