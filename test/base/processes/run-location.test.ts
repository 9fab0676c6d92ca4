import { expect, test } from "bun:test"
import { type RunLocation, mayHide } from "../../../src/base/processes/run-location.ts"

test("a place hides a program only where a run that lives elsewhere cannot see it, and the kernel has not ended it", () => {
  const host: RunLocation = { boot: "a", namespace: "pid:[4026531836]", machine: "m" }
  const one: RunLocation = { boot: "a", namespace: "pid:[1]" }
  const other: RunLocation = { boot: "a", namespace: "pid:[2]" }
  expect([
    mayHide(host, host),
    mayHide(one, one),
    mayHide(one, host),
    mayHide({ ...one, init: true }, other),
  ]).toEqual([undefined, undefined, undefined, undefined])
  expect([mayHide(host, one), mayHide(one, other)]).toEqual([
    "elsewhere on this machine",
    "elsewhere on this machine",
  ])
  expect([
    mayHide({ ...host, boot: "b" }, host),
    mayHide({ ...host, boot: "b" }, one),
    mayHide({ ...host, boot: "b", machine: "n" }, host),
  ]).toEqual([undefined, undefined, "on another machine"])
})
