import { expect, test } from "bun:test"
import { follow } from "./explore.ts"
import type { Faults, Plan } from "./world.ts"

/** Schedules that once ended badly. */

const faults: Faults = { crashes: 1, late: 1, silences: 0, failures: 0 }
const rotation = (name: string): string =>
  `flush disk, probe ${name}, probe ${name}, save disk, flush disk, apply ${name}, ` +
  `probe ${name}, save disk, commit disk, commit disk, restart disk, save disk, ` +
  "restart disk, save disk, flush disk"

test("a program that was restarted before a crash is restarted again where the recovery changes what it reads", async () => {
  const plan: Plan = { title: "", members: { one: { kind: "one" }, both: { kind: "both" } } }
  const cut =
    "flush disk, probe both, probe one, probe both, probe one, save disk, flush disk, " +
    "apply one, probe one, pause clock, save disk, commit disk, commit disk, " +
    "restart disk, save disk, KILLED"
  expect(await follow(plan, faults, [cut])).toEqual([])
})

test("the revoke that a run was killed in is ended before it is asked for again: late, it would take a younger value of the same role away", async () => {
  const revoked = "flush disk, settle pair, KILLED WITH revoke pair UNDER WAY"
  const again = `flush disk, settle pair, revoke pair, probe pair, probe pair, save disk, ${rotation("pair")}`
  for (const guarded of [{}, { guarded: true }] as const) {
    const plan: Plan = { title: "", members: { pair: { kind: "pair", ...guarded } } }
    expect(await follow(plan, faults, [rotation("pair"), revoked, again])).toEqual([])
  }
})

test("a revoke that got no answer is ended before the same run asks for it again", async () => {
  const plan: Plan = { title: "", members: { pair: { kind: "pair" } } }
  const unanswered =
    "flush disk, settle pair, revoke pair UNANSWERED AND UNDER WAY, save disk, " +
    "flush disk, settle pair, revoke pair, and all goes well"
  expect(await follow(plan, faults, [rotation("pair"), unanswered, "and all goes well"])).toEqual(
    [],
  )
})

test("a containment that begins while a revoke of another run is under way ends that first", async () => {
  const plan: Plan = {
    title: "",
    members: { pair: { kind: "pair" } },
    contain: { revokeFirst: false, anew: true },
  }
  const killed = `${rotation("pair")}, KILLED WITH revoke pair UNDER WAY`
  const again = rotation("pair").replace("apply pair", "settle pair, apply pair")
  expect(await follow(plan, faults, [killed, `${again}, and all goes well`])).toEqual([])
})
