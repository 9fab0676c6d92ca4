import { expect, test } from "bun:test"
import type { Report } from "../../src/app/rotate-now.ts"
import { exitOfRotations, rotationLines } from "../../src/cli/rotation-report.ts"

const now = new Date("2026-11-30T03:00:00Z")
const report = (revokeAt: string, revoked: Report["revoked"] = []): Report => ({
  environment: "production",
  recovered: {},
  outcomes: { db: { kind: "rotated", version: "v2" } },
  revoked,
  untouched: [],
  owed: [{ secret: "db", version: "v1", revokeAt }],
  open: [],
})

test("an old value whose grace is over, and that no one has revoked, needs a person: it is not proven dead", () => {
  const overdue = report("2026-11-30T02:59:59Z")
  expect(rotationLines(overdue, now).join("\n")).toContain("db: v1 is NOT proven dead yet")
  expect(exitOfRotations([overdue], now)).toBe(7)
})

test("within its grace it is done, and so it is once it was revoked", () => {
  expect(exitOfRotations([report("2026-11-30T03:10:00Z")], now)).toBe(0)
  const dead = { kind: "dead", sessionsEnded: 0 } as const
  const revoked = [{ secret: "db", version: "v1", death: dead }]
  expect(exitOfRotations([report("2026-11-30T02:59:59Z", revoked)], now)).toBe(0)
})
