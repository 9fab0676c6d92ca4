import { expect, test } from "bun:test"
import type { Explored } from "../../scripts/crash/explore.ts"
import { scenarios } from "../../scripts/crash/scenarios.ts"
import { matrixOf } from "../../scripts/crash/table.ts"

/**
 * The matrix that the manual shows: what it says of cuts that were missed, of faults, and of
 * recoveries that took long.
 */

const cut = { call: "write", when: 1, side: "before" } as const

function explored(name: string, more: Partial<Explored> = {}): Explored {
  const scenario = scenarios.find((one) => one.name === name)
  if (scenario === undefined) throw new Error(`no scenario ${name}`)
  return { scenario, planned: 10, reached: 10, faults: [], recoveries: [], ...more }
}

const recovery = (ms: number): Explored["recoveries"][number] => ({ cut, service: false, ms })

test("a row a kind of secret, a column a way; a dash is what cannot be, what was not chosen stays empty", () => {
  const lines = matrixOf(
    [explored("role-forward"), explored("role-back", { reached: 9 })],
    [],
    [0.5],
  ).split("\n")
  expect(lines.slice(0, 4)).toEqual([
    "| killed while it | rotates | goes back | revokes | adopts | makes a first value | deletes |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    "| `generated` |  |  | – |  |  |  |",
    "| one role | 10/10 | 9/10 |  |  | – | – |",
  ])
})

test("what it came to: by kind of fault, with the scenarios beside the matrix, and the load", () => {
  const faults = [
    { kind: "lost", message: "it is gone", cut },
    { kind: "lost", message: "this too, of the same kill", cut },
  ] as const
  const said = matrixOf(
    [
      explored("role-forward", {
        faults,
        recoveries: [recovery(300), recovery(400), recovery(1234)],
      }),
      explored("again"),
    ],
    [],
    [0.5, 7.25],
  )
    .split("\n")
    .slice(-2)
  expect(said[0]).toBe(
    "20 of 20 kills, with 10/10 of again: 1 lost, 0 stuck, 0 rotated twice, 0 wrong. " +
      "3 left something to recover: 0.40 s in the median, 1.23 s at worst. None took over 2 s.",
  )
  expect(said[1]).toMatch(/^Load meanwhile: 0\.5 to 7\.3 on \d+ cores\.$/)
})

test("a recovery that took over 2 s is counted as it was, and as it was alone", () => {
  const slow = recovery(4360)
  const repeated = [
    { name: "role-back", recovery: slow, ms: 1500 },
    { name: "role-back", recovery: slow, ms: 2100 },
    { name: "role-back", recovery: slow, ms: undefined },
  ]
  const said = matrixOf([explored("role-back", { recoveries: [slow, slow, slow] })], repeated, [1])
  expect(said).toContain(
    "4.36 s at worst. 3 took over 2 s; repeated alone, 1 of 2 did (2.10 s at worst).",
  )
})
