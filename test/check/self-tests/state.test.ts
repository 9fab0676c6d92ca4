import { expect, test } from "bun:test"
import { AppError } from "../../../src/base/error.ts"
import { state as check } from "../../../src/check/self-tests/state.ts"
import type { SecretState } from "../../../src/core/state.ts"
import type { ChangeSet } from "../../../src/core/change-set.ts"
import { ago, current, found, hour, now, result, secret, state, version } from "./looks.ts"
import { inspect } from "./inspect-state.ts"

const changeSet = (startedAt: string): ChangeSet => ({
  id: "c",
  why: "due",
  startedAt,
  secrets: ["db"],
  direction: "back",
  touched: [],
  restarted: [],
  startedWith: "{}",
  fault: { code: "unhealthy", message: "api said 503" },
})

test("state passes if nothing is open, late or in doubt", async () => {
  expect(await inspect(undefined)).toEqual([])
  expect(
    await inspect(
      state({
        db: secret([version("v1", { kind: "retired", since: ago(hour) }), version("v2", current)]),
      }),
    ),
  ).toEqual([])
})

test("state warns of an open journal, and fails once it is open for more than a quarter of an hour", async () => {
  const db = secret([version("v1", current), version("v2", { kind: "pending", proven: false })])
  expect(await inspect(state({ db }, { changeSet: changeSet(ago(60_000)) }))).toEqual([
    "journal-open warning",
  ])
  expect(await inspect(state({ db }, { changeSet: changeSet(ago(16 * 60_000)) }))).toEqual([
    "journal-stuck error",
  ])
})

test("state fails at once if no process works on a journal, and a program holds a value that no longer works or the journal is stuck", async () => {
  const db = secret([version("v1", current), version("v2", { kind: "pending", proven: true })])
  const forward = { ...changeSet(ago(60_000)), direction: "forward" } as const
  const message = async (
    set: ChangeSet,
    atWork: readonly string[] = [],
  ): Promise<readonly (readonly [string, string])[]> => {
    const { findings } = await result(check, {
      environments: [
        { name: "production", document: state({ db }, { changeSet: set }), secrets: ["db"] },
      ],
      unreadable: [],
      strange: [],
      now,
      atWork: new Set(atWork),
    })
    return findings.map(({ code, message: text }) => [code, text.split("; ").slice(1).join("; ")])
  }
  expect(await message({ ...forward, cuts: ["api", "web"], restarted: ["api"] })).toEqual([
    ["journal-stuck", "production/web holds a value that no longer works"],
  ])
  // Killed in the restart of api: it may have read the new value.
  expect(await message({ ...forward, cuts: ["api", "web"], touched: ["api"] })).toEqual([
    [
      "journal-stuck",
      "production/web holds a value that no longer works; production/api may hold a value " +
        "that no longer works",
    ],
  ])
  expect(await message({ ...forward, cuts: ["api"], restarted: ["api"] })).toEqual([
    ["journal-open", ""],
  ])
  expect(await message({ ...forward, cuts: ["api"] }, ["production"])).toEqual([
    ["journal-open", ""],
  ])
  expect(await message({ ...forward, stuck: ["db"] })).toEqual([
    ["journal-stuck", "the service of production/db refuses every value that we know"],
  ])
  const shared = { db: ["api", "jobs", "web"] }
  const use = "old and new value of production/db"
  expect(
    await message({ ...forward, shared, touched: ["api", "jobs"], restarted: ["api"] }),
  ).toEqual([
    [
      "journal-stuck",
      `${use} are in use: production/api has the new one, production/jobs may have either, ` +
        "production/web has the old one",
    ],
  ])
  const back = { ...changeSet(ago(60_000)), shared, touched: ["api", "jobs"], restarted: ["api"] }
  expect(await message(back)).toEqual([
    [
      "journal-stuck",
      `${use} may be in use: production/jobs may have either, production/api, ` +
        "production/web have the old one",
    ],
  ])
  const all = ["api", "jobs", "web"]
  for (const none of [
    { ...forward, shared },
    { ...forward, shared, touched: all, restarted: all },
    { ...back, restarted: ["api", "jobs"] },
    { ...forward, shared: { other: all }, touched: ["api"] },
  ])
    expect(await message(none)).toEqual([["journal-open", ""]])
  expect(await message({ ...changeSet(ago(60_000)), cuts: ["api"] })).toEqual([
    ["journal-stuck", "production/api may hold a value that no longer works"],
  ])
})

test("state says how old a journal is, where it goes and why", async () => {
  const { findings } = await result(check, {
    environments: [
      {
        name: "production",
        document: state(
          { db: secret([version("v1", current)]) },
          { changeSet: changeSet(ago(2 * hour)) },
        ),
        secrets: ["db"],
      },
    ],
    unreadable: [],
    strange: [],
    now,
  })
  expect(findings[0]?.message).toBe(
    "production: a rotation that began 2h ago is not finished: going back, because api said 503",
  )
})

test("state warns of a revoke as soon as it is late, as status does, and fails after an hour", async () => {
  const late = (ms: number): Promise<readonly string[]> =>
    inspect(
      state({
        db: secret([
          version("v1", { kind: "previous", revokeAt: ago(ms), endSessions: false }),
          version("v2", current),
        ]),
      }),
    )
  expect(await late(-hour)).toEqual([])
  expect(await late(0)).toEqual([])
  expect(await late(99_000)).toEqual(["revoke-overdue warning"])
  expect(await late(5 * 60_000)).toEqual(["revoke-overdue warning"])
  expect(await late(2 * hour)).toEqual(["revoke-overdue error"])
})

test("state says what holds up a late revoke: the last try, a drift, a run that is at work", async () => {
  const late = secret([
    version("v1", { kind: "previous", revokeAt: ago(99_000), endSessions: false }),
    version("v2", current),
  ])
  const told = async (one: SecretState, atWork: readonly string[] = []): Promise<unknown> => {
    const { findings } = await result(check, {
      environments: [{ name: "production", document: state({ db: one }), secrets: ["db"] }],
      unreadable: [],
      strange: [],
      now,
      atWork: new Set(atWork),
    })
    const overdue = findings.find(({ code }) => code === "revoke-overdue")
    return [overdue?.message.split("accepted")[1], overdue?.remedy]
  }
  const why = { code: "deployment-unhealthy", message: "api is not healthy", hint: "look at it" }
  expect(await told({ ...late, revokeHeld: { version: "v1", ...why } })).toEqual([
    ": at the last try: api is not healthy (deployment-unhealthy)",
    "look at it",
  ])
  // Of a version that is dead: nothing is known of this one.
  expect(await told({ ...late, revokeHeld: { version: "v0", ...why } })).toEqual([
    "",
    expect.stringContaining("mycelium run --once says what holds it up"),
  ])
  expect(await told(late, ["production"])).toEqual([
    ": a run is at work in its environment, and has not come to it yet",
    expect.stringContaining("that run, or the next one, revokes it"),
  ])
  expect(await told({ ...late, drift: { since: ago(99_000), code: "drifted" } })).toEqual([
    ": the service refuses the current value, so nothing older is taken away",
    expect.any(String),
  ])
})

test("state names uncertain versions, retries, and secrets that the config does not have", async () => {
  expect(
    await inspect(
      state({
        db: secret([
          version("v1", { kind: "uncertain", why: "the server was gone" }),
          version("v2", current),
        ]),
      }),
    ),
  ).toEqual(["uncertain warning"])
  expect(
    await inspect(
      state({
        db: secret([version("v1", current)], {
          retry: {
            failures: 3,
            notBefore: ago(-hour),
            code: "no-answer",
            message: "no clear answer",
          },
        }),
      }),
    ),
  ).toEqual(["retrying warning"])
  expect(await inspect(state({ db: secret([version("v1", current)]) }), { secrets: [] })).toEqual([
    "state-unlisted warning",
  ])
  // While something is owed of it, that is more than a warning: nothing here ends it.
  for (const stage of [
    { kind: "previous", revokeAt: ago(-hour), endSessions: false },
    { kind: "uncertain", why: "the server was gone" },
  ] as const)
    expect(
      await inspect(state({ db: secret([version("v1", stage), version("v2", current)]) }), {
        secrets: [],
      }),
    ).toEqual(["debt-unlisted error"])
  const old = { name: "old", remedy: "put it back" }
  expect(await inspect(undefined, { strange: [{ ...old, debts: [] }] })).toEqual([
    "state-unlisted warning",
  ])
  expect(
    await inspect(undefined, { strange: [{ ...old, debts: ["x: v1 may still be accepted"] }] }),
  ).toEqual(["debt-unlisted error"])
  // No person has to look after a secret that was erased.
  expect(
    await inspect(state({ db: secret([], { erased: { at: ago(hour), last: 3 } }) }), {
      secrets: [],
    }),
  ).toEqual([])
})

test("state takes a drift for past if the service has just accepted the current value, and for present if the service was not asked", async () => {
  const drifted = {
    name: "production",
    document: state({
      db: secret([version("v1", current)], {
        drift: { since: ago(hour), code: "current-refused" },
      }),
    }),
    secrets: ["db"],
  }
  const told = async (accepted: readonly string[]): Promise<readonly unknown[]> =>
    (
      await result(check, {
        environments: [drifted],
        unreadable: [],
        strange: [],
        now,
        accepted: new Set(accepted),
      })
    ).findings
  expect(await told(["staging/db"])).toMatchObject([
    {
      code: "current-refused",
      severity: "error",
      message:
        "production/db: the service refuses the current value since 2026-11-24 11:00 UTC: " +
        "it is not rotated, and nothing of it is revoked",
    },
  ])
  expect(await told(["production/db"])).toMatchObject([
    {
      code: "current-refused",
      severity: "warning",
      message:
        "production/db: the service accepts the current value now, " +
        "and refused it at 2026-11-24 11:00 UTC: while that is noted, it is not rotated",
      remedy: expect.stringContaining("mycelium adopt production ends the note at once"),
    },
  ])
})

test("state says why a state cannot be read, and checks the others", async () => {
  const overdue = state({
    db: secret([
      version("v1", { kind: "previous", revokeAt: ago(2 * hour), endSessions: false }),
      version("v2", current),
    ]),
  })
  const codes = await found(check, {
    environments: [{ name: "staging", document: overdue, secrets: ["db"] }],
    unreadable: [{ environment: "production", error: new AppError("state-broken", "cut off") }],
    strange: [],
    now,
  })
  expect(codes).toEqual(["state-broken error", "revoke-overdue error"])
})
