import { expect, test } from "bun:test"
import { follow } from "./explore.ts"
import type { Faults, Plan } from "./world.ts"

/** Schedules that once ended badly, and one that shows what a driver must keep. */

const faults: Faults = { crashes: 1, late: 1, silences: 0, failures: 0 }
const rotation = (name: string): string =>
  `flush disk, probe ${name}, probe ${name}, save disk, flush disk, apply ${name}, probe ${name}, save disk, commit disk, commit disk, restart disk, save disk, restart disk, save disk, flush disk`

test("a program that was restarted before a crash is restarted again where the recovery changes what it reads", async () => {
  const plan: Plan = { title: "", members: { one: { kind: "one" }, both: { kind: "both" } } }
  const cut = "flush disk, probe both, probe one, probe both, probe one, save disk, flush disk, apply one, probe one, pause clock, save disk, commit disk, commit disk, restart disk, save disk, KILLED"
  expect(await follow(plan, faults, [cut])).toEqual([])
})

test("a late revoke takes a younger value of the same role away where the service does not refuse the change that it could overtake", async () => {
  const revoked = "flush disk, KILLED WITH revoke pair UNDER WAY"
  const plan = (guarded: boolean): Plan => ({ title: "", members: { pair: guarded ? { kind: "pair", guarded } : { kind: "pair" } } })
  const again = `flush disk, revoke pair, probe pair, probe pair, save disk, ${rotation("pair")}`
  expect(await follow(plan(false), faults, [rotation("pair"), revoked, again])).toContain("v: pair accepts 0 values, or another than the current one")
  // PostgreSQL's advisory lock: the next change is refused until the first has landed or is ended.
  const refused = "flush disk, revoke pair, save disk, flush disk, revoke pair, save disk, flush disk"
  expect(await follow(plan(true), faults, [rotation("pair"), revoked, refused])).toEqual([])
})
