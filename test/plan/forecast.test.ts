import { expect, test } from "bun:test"
import { noHead } from "../../src/core/audit-line.ts"
import type { ChangeSet } from "../../src/core/change-set.ts"
import type { SecretState, StateDocument } from "../../src/core/state.ts"
import { forecast, type Forecast } from "../../src/plan/forecast.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { waitingIn } from "../../src/plan/waiting.ts"

const dayMs = 86_400_000
const now = new Date("2026-12-01T12:00:00Z")

const current: SecretState = {
  driver: "generated",
  rotatedAt: "2026-11-30T12:00:00.000Z",
  versions: [
    {
      id: "v1",
      madeAt: "2026-11-30T12:00:00.000Z",
      stage: { kind: "current" },
      clear: {},
      sealed: "",
      fingerprints: {},
    },
  ],
}

const set: ChangeSet = {
  id: "set",
  why: "due",
  startedAt: "2026-12-01T03:00:00.000Z",
  secrets: ["one"],
  direction: "forward",
  touched: [],
  restarted: [],
  startedWith: "{}",
}

function documentOf(secret: SecretState, more: Partial<StateDocument> = {}): StateDocument {
  return {
    format: 1,
    id: "id",
    project: "shop",
    environment: "production",
    serial: 1,
    secrets: { one: secret },
    audit: { count: 0, head: noHead, lines: [] },
    mac: "",
    ...more,
  }
}

/** Over ten days, of a secret that is rotated every two. */
function planned(document: StateDocument): readonly Forecast[] {
  const schedule = parseSchedule("0 3 * * *", "UTC")
  if ("problem" in schedule) throw new Error(schedule.problem)
  return forecast(document, [{ name: "one", rotateEveryMs: 2 * dayMs, graceMs: 0 }], schedule, {
    now,
    until: new Date(now.getTime() + 10 * dayMs),
  })
}

const rotations = (document: StateDocument): readonly string[] =>
  planned(document).flatMap(({ at, rotates, causes }) =>
    rotates.map((name) => `${at.toISOString().slice(0, 13)} ${causes[name]?.by}`),
  )

test("a rotation says what makes it due: a weak value, or an unknown age, counts once", () => {
  expect(rotations(documentOf(current)).slice(0, 2)).toEqual([
    "2026-12-02T03 age",
    "2026-12-04T03 age",
  ])
  expect(rotations(documentOf({ ...current, weak: true })).slice(0, 2)).toEqual([
    "2026-12-01T12 weak",
    "2026-12-03T03 age",
  ])
  expect(rotations(documentOf({ ...current, undated: true }))[0]).toBe("2026-12-01T12 undated")
  const late = planned(documentOf({ ...current, weak: true }))[0]
  expect(late?.causes["one"]?.tick).toBe("2026-12-01T03:00:00.000Z")
})

test("a rotation that is not finished comes first: nothing is begun before, and its value counts from its start", () => {
  for (const open of [{ changeSet: set }, { deferred: [set] }]) {
    const document = documentOf({ ...current, rotatedAt: "2026-11-01T12:00:00.000Z" }, open)
    expect(planned(document)[0]).toMatchObject({ at: now, finishes: ["one"], rotates: [] })
    expect(rotations(document)[0]).toBe("2026-12-03T03 age")
  }
})

test("one that goes back leaves the old value: that one is still due", () => {
  const document = documentOf(
    { ...current, rotatedAt: "2026-11-01T12:00:00.000Z" },
    { changeSet: { ...set, direction: "back" } },
  )
  expect(planned(document)[0]).toMatchObject({ at: now, finishes: ["one"], rotates: ["one"] })
})

test("what a secret waits for is told: the answer of its service, or the end of a value that may live", () => {
  const waits = {
    since: set.startedAt,
    secret: "one",
    code: "unreachable",
    message: "ECONNREFUSED",
  }
  expect(waitingIn(documentOf(current, { deferred: [{ ...set, waits }] }), { one: {} })).toEqual([
    {
      secret: "one",
      message: "its unfinished rotation must end first: one: ECONNREFUSED (unreachable)",
    },
  ])
  const [version] = current.versions
  if (version === undefined) throw new Error("no version")
  const uncertain = documentOf({
    ...current,
    versions: [
      ...current.versions,
      { ...version, id: "v2", stage: { kind: "uncertain", why: "given up, its death not proven" } },
    ],
  })
  expect(waitingIn(uncertain, { one: {} })).toEqual([
    {
      secret: "one",
      message:
        "its service must refuse v2 first, which may still be accepted (given up, its death not proven)",
    },
  ])
  // What the config has no more is told elsewhere.
  expect(waitingIn(uncertain, {})).toEqual([])
  expect(waitingIn(documentOf(current), { one: {} })).toEqual([])
})
