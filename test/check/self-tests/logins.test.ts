import { expect, test } from "bun:test"
import { AppError } from "../../../src/base/error.ts"
import { logins } from "../../../src/check/self-tests/logins.ts"
import type { Driver, Finding, Probe } from "../../../src/core/ports.ts"
import { found } from "./looks.ts"

const current = { version: "v1", fields: { user: "shop" } }

/** A driver of which only what a check may ask is there. */
function inspect(
  answers: {
    readonly wrong?: Probe
    readonly current?: Probe
    readonly findings?: readonly Finding[]
    readonly fails?: Error
    readonly none?: boolean
    readonly silent?: boolean
  },
  accepted = new Set<string>(),
): Promise<readonly string[]> {
  const refuse = (): never => {
    throw new Error("a check changes nothing")
  }
  const driver: Driver = {
    overlap: "one",
    generate: refuse,
    settle: refuse,
    apply: refuse,
    revoke: refuse,
    describe: refuse,
    preflight: () => {
      if (answers.silent) return new Promise(() => undefined)
      return answers.fails === undefined
        ? Promise.resolve(answers.findings ?? [])
        : Promise.reject(answers.fails)
    },
    probe: ({ version }) =>
      Promise.resolve((version === "control" ? answers.wrong : answers.current) ?? "unknown"),
  }
  return found(logins, {
    logins: [
      {
        place: "production/db",
        driver,
        versions: () => Promise.resolve({ uncertain: [], ...(answers.none ? {} : { current }) }),
        wrong: (like) => ({ ...like, version: "control" }),
      },
    ],
    withinMs: answers.silent ? 10 : 10_000,
    accepted,
  })
}

test("logins is content where a wrong value is refused and the current one accepted", async () => {
  expect(await inspect({ wrong: "refused", current: "accepted" })).toEqual([])
  expect(await inspect({ none: true })).toEqual([])
})

test("logins tells whose current value a service has accepted, and a wrong one not", async () => {
  const accepted = async (answers: Parameters<typeof inspect>[0]): Promise<readonly string[]> => {
    const places = new Set<string>()
    await inspect(answers, places)
    return [...places]
  }
  expect(await accepted({ wrong: "refused", current: "accepted" })).toEqual(["production/db"])
  for (const answers of [
    { none: true },
    { wrong: "accepted", current: "accepted" },
    { wrong: "refused", current: "refused" },
    { wrong: "refused" },
  ] as const)
    expect(await accepted(answers)).toEqual([])
})

test("logins finds a service that accepts anything, refuses the current value, or says nothing clear", async () => {
  expect(await inspect({ wrong: "accepted", current: "accepted" })).toEqual([
    "accepts-anything error",
  ])
  expect(await inspect({ wrong: "refused", current: "refused" })).toEqual(["current-refused error"])
  expect(await inspect({ wrong: "unknown", current: "accepted" })).toEqual(["no-answer error"])
})

test("logins shows what preflight finds, and asks no further after an error", async () => {
  const powerful = {
    code: "admin-too-powerful",
    severity: "warning",
    message: "rotator is a superuser",
    remedy: "GRANT …",
  } as const
  expect(await inspect({ findings: [powerful], wrong: "refused", current: "accepted" })).toEqual([
    "admin-too-powerful warning",
  ])
  expect(
    await inspect({
      findings: [{ ...powerful, code: "not-permitted", severity: "error" }],
      wrong: "accepted",
    }),
  ).toEqual(["not-permitted error"])
  expect(await inspect({ fails: new AppError("unreachable", "refused") })).toEqual([
    "unreachable error",
  ])
})

test("logins waits for no service longer than it may, even one that ignores its signal", async () => {
  expect(await inspect({ silent: true })).toEqual(["timeout error"])
})
