import { expect, test } from "bun:test"
import { noHead } from "../../src/core/audit-line.ts"
import type { SecretState, StateDocument } from "../../src/core/state.ts"
import { type Agenda, agenda } from "../../src/plan/agenda.ts"
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
