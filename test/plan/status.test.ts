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
  open: Pick<StateDocument, "changeSet"> = {},
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
    ...open,
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
    "2 failed attempts: no clear answer; mycelium run tries again if it is running, at 12:08 UTC",
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
    "2 failed attempts: no clear answer; mycelium run tries again once it is due, " +
      "2026-06-02 03:00 UTC; rotate-now tries sooner",
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

test("what waits for a rotation that is not finished says so: its next rotation, its next try, its revoke", () => {
  const changeSet = {
    id: "set",
    why: "due",
    startedAt: "2026-06-01T11:00:00.000Z",
    secrets: ["two"],
    direction: "back",
    touched: ["api"],
    restarted: [],
    startedWith: "{}",
  } as const
  const rotatedAt = "2026-05-01T03:00:00.000Z"
  expect(notesOf({ rotatedAt }, 86_400_000, { changeSet })).toEqual([
    "2 failed attempts: no clear answer; mycelium run tries again once the rotation of two has ended",
    "its next rotation waits for that of two, which is not finished",
  ])
  const version = { id: "v1", madeAt: rotatedAt, clear: {}, sealed: "", fingerprints: {} }
  const versionsWith = (revokeAt: string): SecretState["versions"] => [
    { ...version, stage: { kind: "previous", since: rotatedAt, revokeAt, endSessions: false } },
    { ...version, id: "v2", stage: { kind: "current" } },
  ]
  const own = { changeSet: { ...changeSet, secrets: ["one"] } }
  const first = (revokeAt: string): string | undefined =>
    notesOf({ rotatedAt, versions: versionsWith(revokeAt) }, 86_400_000, own)[0]
  expect(first("2026-06-01T13:00:00.000Z")).toBe(
    "v1 is accepted for 1h more, and until its rotation has ended",
  )
  expect(first("2026-06-01T11:30:00.000Z")).toBe(
    "revoke of v1 owed: it waits for the end of its rotation",
  )
})
