import { describe, expect, test } from "bun:test"
import { realHost } from "../../src/base/system/host.ts"
import { noHead } from "../../src/core/audit-line.ts"
import { Graces } from "../../src/core/graces.ts"
import { aheadOf, believable } from "../../src/core/instants.ts"
import type { SecretState, StateDocument } from "../../src/core/state.ts"
import type { Version } from "../../src/core/version.ts"
import { clock } from "../../src/check/self-tests/clock.ts"
import { runCheck } from "../../src/check/self-tests/check.ts"
import { agenda } from "../../src/plan/agenda.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { secretStatus } from "../../src/plan/status.ts"

const dayMs = 86_400_000
const now = new Date("2027-02-01T12:00:00Z")
const at = (ms: number): string => new Date(now.getTime() + ms).toISOString()
const year = 365 * dayMs
const found = parseSchedule("0 3 * * *", "UTC")
if ("problem" in found) throw new Error(found.problem)
const schedule = found

function version(id: string, stage: Version["stage"], madeAt = at(-dayMs)): Version {
  return { id, madeAt, stage, clear: {}, sealed: "", fingerprints: {} }
}
function documentOf(state: SecretState, more: Partial<StateDocument> = {}): StateDocument {
  return {
    format: 1,
    id: crypto.randomUUID(),
    project: "shop",
    environment: "production",
    serial: 1,
    secrets: { one: state },
    audit: { count: 0, head: noHead, lines: [] },
    mac: "",
    ...more,
  }
}

/** A change set that began a year ahead. */
const set = {
  id: "s",
  why: "due",
  startedAt: at(year),
  secrets: ["one"],
  direction: "forward",
  touched: [],
  restarted: [],
  startedWith: "{}",
} as const

/** As one run wrote it whose clock was a year ahead: a rotation with ten minutes of grace, one minute ago. */
const ahead: SecretState = {
  driver: "postgres",
  rotatedAt: at(year),
  versions: [
    version("v1", {
      kind: "previous",
      since: at(year),
      revokeAt: at(year + 600_000),
      endSessions: false,
    }),
    version("v2", { kind: "current" }, at(year)),
    version("v0", { kind: "retired", since: at(year) }),
  ],
}
const { since: _, ...before } = {
  kind: "previous",
  since: "",
  revokeAt: at(year + 600_000),
  endSessions: false,
} as const
/** The same, by a version that did not note since when a grace runs. */
const older: SecretState = {
  ...ahead,
  versions: [version("v1", before), version("v2", { kind: "current" }, at(year))],
}

describe("what a clock that was a year ahead has written", () => {
  for (const [name, state] of Object.entries({ ahead, older })) {
    test(`is judged by what can be true: the grace is ten minutes, the age unknown and due at the next scheduled time (${name})`, () => {
      const document = believable(documentOf(state), now)
      expect(document.secrets["one"]).toMatchObject({
        rotatedAt: at(0),
        undated: true,
        versions: [
          { stage: { revokeAt: at(600_000) } },
          { madeAt: at(0) },
          ...(name === "ahead" ? [{ stage: { since: at(0) } }] : []),
        ],
      })
      const { due, nextAt } = agenda(
        documentOf(state),
        [{ name: "one", rotateEveryMs: 90 * dayMs }],
        schedule,
        now,
      )
      expect(due).toEqual([])
      expect(nextAt?.toISOString()).toBe(at(600_000))
      const without = { ...state, versions: state.versions.slice(1) }
      expect(
        agenda(
          documentOf(without),
          [{ name: "one", rotateEveryMs: 90 * dayMs }],
          schedule,
          now,
        ).nextAt?.toISOString(),
      ).toBe("2027-02-02T03:00:00.000Z")
      const status = secretStatus(
        { name: "one", driver: "postgres", rotateEveryMs: 90 * dayMs },
        documentOf(state),
        schedule,
        now,
      )
      expect(status.ageMs).toBeUndefined()
      expect(status.notes).toContain("v1 is accepted for 10m more")
      expect(status.dueAt?.toISOString()).toBe("2027-02-02T03:00:00.000Z")
    })
  }

  test("once put right, it is well for check, due once, and contradicts nothing any more", async () => {
    const document = documentOf(ahead)
    expect(aheadOf(document, now)).toBe(year)
    expect(
      (await runCheck(clock, { documents: [document], now })).findings.map(({ code }) => code),
    ).toEqual(["clock-wrong"])
    const right = believable(document, now)
    expect((await runCheck(clock, { documents: [right], now })).findings).toEqual([])
    expect(believable(right, now)).toBe(right)
    expect(believable(right, new Date(now.getTime() + dayMs))).toBe(right)
    // At the tick it is due.
    expect(
      agenda(
        right,
        [{ name: "one", rotateEveryMs: 90 * dayMs }],
        schedule,
        new Date("2027-02-02T03:00:01Z"),
      ).due,
    ).toEqual(["one"])
  })

  test("what is not ahead stays, a promise of a long grace too, and waits that are as long as waits are", () => {
    const state: SecretState = {
      driver: "postgres",
      rotatedAt: at(-1000),
      retry: { failures: 1, notBefore: at(4_000_000), code: "x", message: "x" },
      versions: [
        version("v1", {
          kind: "previous",
          since: at(0),
          revokeAt: at(30 * dayMs),
          endSessions: false,
        }),
        version("v2", { kind: "current" }, at(200_000)),
      ],
    }
    const document = documentOf(state)
    expect(believable(document, now)).toBe(document)
    const waits = documentOf({
      ...state,
      retry: { failures: 1, notBefore: at(dayMs), code: "x", message: "x" },
    })
    expect(believable(waits, now).secrets["one"]?.retry?.notBefore).toBe(at(0))
  })

  test("a journal, a note of drift and an incident began no later than now", () => {
    const state: SecretState = {
      driver: "postgres",
      versions: [],
      drift: { since: at(year), code: "x" },
      contained: { incident: "i", at: at(year), version: "v1" },
      uncontained: { incident: "i", since: at(year), code: "x" },
      unhealthy: { since: at(year), deployments: [], message: "x" },
      erased: { at: at(year), last: 1 },
    }
    const right = believable(documentOf(state, { changeSet: set, deferred: [set] }), now)
    expect(JSON.stringify(right)).not.toContain(at(year))
    expect([
      right.changeSet?.startedAt,
      right.deferred?.[0]?.startedAt,
      right.secrets["one"]?.drift?.since,
    ]).toEqual([at(0), at(0), at(0)])
  })
})

describe("a grace, while we live", () => {
  /** Both clocks in hand. */
  function graces(): {
    readonly wall: { ms: number }
    readonly passed: { ms: number }
    readonly leftMs: () => number
  } {
    const wall = { ms: now.getTime() }
    const passed = { ms: 0 }
    const host = { ...realHost({}), now: () => new Date(wall.ms), monotonicMs: () => passed.ms }
    const all = new Graces(host)
    const document = documentOf({
      driver: "postgres",
      rotatedAt: at(0),
      versions: [
        version("v1", {
          kind: "previous",
          since: at(0),
          revokeAt: at(600_000),
          endSessions: false,
        }),
      ],
    })
    const leftMs = (): number => {
      const stage = all.seen(document).secrets["one"]?.versions[0]?.stage
      return stage?.kind === "previous" ? Date.parse(stage.revokeAt) - wall.ms : Number.NaN
    }
    return { wall, passed, leftMs }
  }

  test("is over at once where a containment has taken its place, and is no longer than a shorter one that was granted since", () => {
    const wall = { ms: now.getTime() }
    const all = new Graces({
      ...realHost({}),
      now: () => new Date(wall.ms),
      monotonicMs: () => wall.ms,
    })
    const long: SecretState = {
      driver: "postgres",
      rotatedAt: at(0),
      versions: [
        version("v1", {
          kind: "previous",
          since: at(0),
          revokeAt: at(7 * dayMs),
          endSessions: false,
        }),
      ],
    }
    const document = documentOf(long)
    const ended = (stage: Version["stage"]): SecretState => ({
      ...long,
      versions: [version("v1", stage)],
    })
    const endOf = (state: SecretState): string => {
      const stage = all.seen({ ...document, secrets: { one: state } }).secrets["one"]?.versions[0]
        ?.stage
      return stage?.kind === "previous" ? stage.revokeAt : ""
    }
    expect(endOf(long)).toBe(at(7 * dayMs))
    wall.ms += 1000
    expect(
      endOf(
        ended({
          kind: "previous",
          since: at(1000),
          revokeAt: at(1000),
          endSessions: true,
          revokeOthers: true,
        }),
      ),
    ).toBe(at(1000))
    expect(endOf(long)).toBe(at(7 * dayMs))
    expect(
      endOf(ended({ kind: "previous", since: at(0), revokeAt: at(60_000), endSessions: false })),
    ).toBe(at(60_000))
    // Restaged by a clock that was set back since: it is owed all the same.
    wall.ms -= 120_000
    expect(
      Date.parse(
        endOf(
          ended({
            kind: "previous",
            since: at(1000),
            revokeAt: at(1000),
            endSessions: true,
            revokeOthers: true,
          }),
        ),
      ),
    ).toBeLessThanOrEqual(wall.ms)
  })

  test("is told of one secret as of all, and what it does not touch stays the same", () => {
    const wall = { ms: now.getTime() }
    const all = new Graces({
      ...realHost({}),
      now: () => new Date(wall.ms),
      monotonicMs: () => now.getTime(),
    })
    const one: SecretState = {
      driver: "postgres",
      rotatedAt: at(0),
      versions: [
        version("v1", {
          kind: "previous",
          since: at(0),
          revokeAt: at(600_000),
          endSessions: false,
        }),
      ],
    }
    const other: SecretState = {
      driver: "generated",
      rotatedAt: at(0),
      versions: [version("v1", { kind: "current" })],
    }
    const document = { ...documentOf(one), secrets: { one, other } }
    expect(all.seen(document)).toBe(document)
    // The wall clock leaps: the grace has as long to go as before.
    wall.ms += 3_600_000
    const seen = all.seen(document)
    expect(seen.secrets["other"]).toBe(other)
    expect(seen.secrets["one"]).not.toBe(one)
    expect(all.seenState(document, "one")).toEqual(seen.secrets["one"])
    expect(all.seenState(document, "other")).toBe(other)
  })

  for (const leapMs of [year, -year, 3_600_000, -3_600_000]) {
    test(`is measured by the clock that never leaps, when the other leaps by ${leapMs / 3_600_000} h`, () => {
      const { wall, passed, leftMs } = graces()
      expect(leftMs()).toBe(600_000)
      passed.ms += 20_000
      wall.ms += 20_000 + leapMs
      expect(leftMs()).toBe(580_000)
      passed.ms += 580_001
      expect(leftMs()).toBeLessThanOrEqual(0)
    })
  }
})

describe("an instant is judged alike, however it is written", () => {
  test.each([
    ["as we write it", at(year)],
    ["with an offset", "2028-02-01T13:00:00.000+01:00"],
    ["without milliseconds", "2028-02-01T12:00:00Z"],
    ["beyond the year 9999", "+020000-01-01T00:00:00.000Z"],
    ["in words", "Tue 01 Feb 2028 12:00 GMT"],
  ])("ahead, %s", (_, written) => {
    for (const one of [
      { ...ahead, rotatedAt: written },
      { driver: "postgres", versions: [version("v1", { kind: "current" }, written)] },
    ] as SecretState[]) {
      expect(aheadOf(documentOf(one), now)).toBeGreaterThan(300 * dayMs)
      expect(believable(documentOf(one), now).secrets["one"]).not.toEqual(one)
    }
  })

  test.each([
    ["as we write it", at(-dayMs)],
    ["within what clocks differ by", at(299_000)],
    ["with an offset", "2027-02-01T12:59:00.000+01:00"],
    ["without milliseconds", "2027-02-01T12:00:00Z"],
    ["before the year 0", "-000001-01-01T00:00:00.000Z"],
  ])("not ahead, %s", (_, written) => {
    const document = documentOf({
      driver: "postgres",
      rotatedAt: written,
      versions: [
        version("v1", { kind: "current" }, written),
        version("v0", { kind: "retired", since: written }),
      ],
    })
    expect(aheadOf(document, now)).toBe(0)
    expect(believable(document, now)).toBe(document)
  })

  test("a rotation that has begun in the future is no more believable than what it changes", () => {
    const document = documentOf(
      { driver: "postgres", versions: [version("v1", { kind: "current" })] },
      { changeSet: set },
    )
    expect(aheadOf(document, now)).toBe(year)
    expect(believable(document, now).changeSet?.startedAt).toBe(now.toISOString())
  })
})
