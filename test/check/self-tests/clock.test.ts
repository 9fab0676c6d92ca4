import { expect, test } from "bun:test"
import { clock } from "../../../src/check/self-tests/clock.ts"
import type { StateDocument } from "../../../src/core/state.ts"
import { ago, current, found, now, secret, state, version } from "./looks.ts"

test("clock finds a state from the future, and a day before this program was written", async () => {
  const written = (at: string): StateDocument =>
    state({ db: secret([{ ...version("v1", current), madeAt: at }]) })
  expect(await found(clock, { documents: [written(ago(0))], now })).toEqual([])
  expect(await found(clock, { documents: [written(ago(-4 * 60_000))], now })).toEqual([])
  expect(await found(clock, { documents: [written(ago(-10 * 60_000))], now })).toEqual([
    "clock-wrong error",
  ])
  expect(await found(clock, { documents: [], now: new Date("1970-01-02T00:00:00Z") })).toEqual([
    "clock-wrong error",
  ])
})
