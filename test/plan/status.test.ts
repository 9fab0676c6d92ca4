import { expect, test } from "bun:test"
import { noHead } from "../../src/core/audit-line.ts"
import type { SecretState, StateDocument } from "../../src/core/state.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { secretStatus } from "../../src/plan/status.ts"

const now = new Date("2026-06-01T12:00:00Z")
const retry = {
  failures: 2,
  notBefore: "2026-06-01T12:08:00.000Z",
  code: "no-answer",
  message: "no clear answer",
}

function notesOf(
  more: Partial<SecretState>,
  rotateEveryMs: number | null = 86_400_000,
): readonly string[] {
  const schedule = parseSchedule("0 3 * * *", "UTC")
  if ("problem" in schedule) throw new Error(schedule.problem)
  const state: SecretState = {
    driver: "generated",
    retry,
    versions: [
      {
        id: "v1",
        madeAt: "2026-01-01T03:00:00.000Z",
        clear: {},
        sealed: "",
        fingerprints: {},
        stage: { kind: "current" },
      },
    ],
    ...more,
  }
  const document: StateDocument = {
    format: 1,
    id: "id",
    project: "shop",
    environment: "production",
    serial: 1,
    secrets: { one: state },
    audit: { count: 0, head: noHead, lines: [] },
    mac: "",
  }
  const { notes, attention } = secretStatus(
    { name: "one", driver: "generated", rotateEveryMs },
    document,
    schedule,
    now,
  )
  expect(attention).toBe(true)
  return notes
}

test("what failed and is due is tried again when its wait is over", () => {
  expect(notesOf({ rotatedAt: "2026-05-01T03:00:00.000Z" })).toEqual([
    "2 failed attempts: no clear answer; mycelium run tries again at 12:08 UTC",
  ])
  expect(
    notesOf({
      rotatedAt: "2026-05-01T03:00:00.000Z",
      retry: { ...retry, notBefore: "2026-06-01T11:00:00.000Z" },
    }),
  ).toEqual(["2 failed attempts: no clear answer; mycelium run tries again at once"])
})

test("what failed before it was due is tried by itself once it is due, and where it never is, never", () => {
  expect(notesOf({ rotatedAt: "2026-06-01T11:00:00.000Z" })).toEqual([
    "2 failed attempts: no clear answer; mycelium run tries again once it is due, 2026-06-02 03:00 UTC; rotate-now tries sooner",
  ])
  expect(notesOf({ rotatedAt: "2026-06-01T11:00:00.000Z" }, null)).toEqual([
    "2 failed attempts: no clear answer; mycelium run does not try again; rotate-now does",
  ])
  expect(
    notesOf({
      rotatedAt: "2026-05-01T03:00:00.000Z",
      drift: { since: "2026-05-31T12:00:00.000Z", code: "current-refused" },
    }).at(-1),
  ).toBe("2 failed attempts: no clear answer; mycelium run does not try again; rotate-now does")
})
