import { expect, test } from "bun:test"
import { noHead } from "../../src/core/audit-line.ts"
import type { SecretState, StateDocument } from "../../src/core/state.ts"
import { type Agenda, agenda } from "../../src/plan/agenda.ts"
import { forecast } from "../../src/plan/forecast.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"

const now = new Date("2026-06-01T12:00:00Z")
const old = {
  id: "v1",
  madeAt: "2025-01-01T00:00:00.000Z",
  clear: {},
  sealed: "",
  fingerprints: {},
}

function dueOf(
  state: SecretState | undefined,
  rotateEveryMs: number | null = 86_400_000,
): readonly string[] {
  return agendaOf(state, rotateEveryMs).due
}

function agendaOf(
  state: SecretState | undefined,
  rotateEveryMs: number | null = 86_400_000,
): Agenda {
  const schedule = parseSchedule("0 3 * * *", "UTC")
  if ("problem" in schedule) throw new Error(schedule.problem)
  const document: StateDocument = {
    format: 1,
    id: "id",
    project: "shop",
    environment: "production",
    serial: 1,
    secrets: state === undefined ? {} : { one: state },
    audit: { count: 0, head: noHead, lines: [] },
    mac: "",
  }
  return agenda(document, [{ name: "one", rotateEveryMs }], schedule, now)
}

test("a secret that is too old is due, unless it is kept for good", () => {
  const state: SecretState = {
    driver: "generated",
    rotatedAt: old.madeAt,
    versions: [{ ...old, stage: { kind: "current" } }],
  }
  expect(dueOf(state)).toEqual(["one"])
  expect(agendaOf(state).causes).toEqual({
    one: { by: "age", tick: "2025-01-01T03:00:00.000Z" },
  })
  expect(agendaOf({ ...state, weak: true }).causes["one"]?.by).toBe("weak")
  expect(dueOf(state, null)).toEqual([])
})

test("a secret is never due without a value: not where there is no state of it, nor where it was erased or never came to be", () => {
  expect(dueOf(undefined)).toEqual([])
  expect(dueOf({ driver: "generated", versions: [], erased: { at: old.madeAt, last: 1 } })).toEqual(
    [],
  )
  expect(
    dueOf({
      driver: "generated",
      rotatedAt: old.madeAt,
      versions: [{ ...old, stage: { kind: "retired", since: old.madeAt } }],
    }),
  ).toEqual([])
})

function documentOf(
  names: readonly string[],
  more: Partial<StateDocument> = {},
  state: Partial<SecretState> = {},
): StateDocument {
  const one: SecretState = {
    driver: "generated",
    rotatedAt: old.madeAt,
    versions: [{ ...old, stage: { kind: "current" } }],
    ...state,
  }
  return {
    format: 1,
    id: "id",
    project: "shop",
    environment: "production",
    serial: 1,
    secrets: Object.fromEntries(names.map((name) => [name, one])),
    audit: { count: 0, head: noHead, lines: [] },
    mac: "",
    ...more,
  }
}

const open = {
  id: "set",
  why: "due",
  startedAt: "2026-06-01T11:00:00.000Z",
  secrets: ["two"],
  direction: "back",
  touched: ["api"],
  restarted: [],
  startedWith: "{}",
} as const
const daily = parseSchedule("0 3 * * *", "UTC")
const planned = ["one", "two"].map((name) => ({ name, rotateEveryMs: 86_400_000, graceMs: 0 }))

test("nothing is due, and no time is named, while a rotation that may have changed files is open; a revoke of another secret is", () => {
  if ("problem" in daily) throw new Error(daily.problem)
  const revokeAt = "2026-06-01T13:00:00.000Z"
  const grace = { kind: "previous", since: old.madeAt, revokeAt, endSessions: false } as const
  const versions: SecretState["versions"] = [
    { ...old, id: "v0", stage: grace },
    { ...old, stage: { kind: "current" } },
  ]
  const document = documentOf(["one", "two"], { changeSet: open }, { versions })
  expect(agenda(document, planned, daily, now)).toMatchObject({
    due: [],
    owed: true,
    nextAt: new Date(revokeAt),
    nextRevokes: true,
  })
  const both = documentOf(
    ["one", "two"],
    { changeSet: { ...open, secrets: ["one", "two"] } },
    { versions },
  )
  expect(agenda(both, planned, daily, now).nextAt).toBeUndefined()
  // One that has changed nothing yet holds up its own secrets alone.
  const aside = { ...open, direction: "forward", touched: [] } as const
  expect(
    agenda(documentOf(["one", "two"], { deferred: [aside] }), planned, daily, now).due,
  ).toEqual(["one"])
})

test("a forecast names what cannot be done before an open rotation has ended", () => {
  if ("problem" in daily) throw new Error(daily.problem)
  const span = { now, until: new Date(now.getTime() + 86_400_000) }
  const [first] = forecast(documentOf(["one", "two"], { changeSet: open }), planned, daily, span)
  expect(first).toMatchObject({
    rotates: ["one", "two"],
    waits: [{ secrets: ["one", "two"], for: ["two"] }],
  })
  const [well] = forecast(documentOf(["one", "two"]), planned, daily, span)
  expect(well).not.toHaveProperty("waits")
  const owed = {
    contained: { incident: "leak", at: old.madeAt, version: "v1", owes: true },
  } as const
  const contained = documentOf(["one", "two"], { changeSet: open }, owed)
  const [revoke] = forecast(
    contained,
    planned.map((one) => ({ ...one, rotateEveryMs: null })),
    daily,
    span,
  )
  expect(revoke).toMatchObject({ revokes: ["one", "two"], waits: [{ secrets: ["two"] }] })
})
