import { expect, test } from "bun:test"
import { managerWithinMs } from "../../src/deliver/in-time.ts"
import type { Work } from "../../src/rotate/work.ts"
import { revokeOwed } from "../../src/rotate/revoke.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import { type Ask, run } from "../crash/run.ts"
import { begin } from "../crash/scenario-world.ts"
import { type Manager, entryId } from "../crash/manager.ts"
import type { Fault, Name, Program, World } from "../crash/world.ts"

/**
 * Outputs that are entries of a secret manager: what is remote can be silent, lose answers, and be
 * written by others.
 */

function world(fault: Fault, shows: readonly Name[], reader?: Program): World {
  const entry = { shows, ...(reader === undefined ? {} : { reader }) }
  return begin({ title: "", fault, entry })
}
function managerOf({ manager }: World): Manager {
  if (manager === undefined) throw new Error("there is no manager")
  return manager
}
const containment: Ask = { why: "incident", incident: "leak", contain: { revokeFirst: false } }
function owedIn(one: World, name: Name): readonly string[] {
  return Object.keys(one.stored.secrets[name]?.unwritten?.outputs ?? {})
}
/** Up to the write, with the trial's look and the one before it. */
const looks = 2

test("on a way back a silent entry is owed; files and programs go back without it", async () => {
  const one = world({ unhealthy: true, manager: { silent: { from: looks + 2 } } }, ["one"])
  const { outcomes } = await run(one, true)
  expect(outcomes["one"]?.kind).toBe("rolled-back")
  expect(one.one).toBe("s0")
  expect([one.files["/env/a"]?.["one"], one.files["/env/b"]?.["one"]]).toEqual([":s0", ":s0"])
  expect([one.programs["api"]?.["one"], one.programs["web"]?.["one"]]).toEqual([":s0", ":s0"])
  expect(managerOf(one).content["one"]).not.toBe(":s0")
  expect(owedIn(one, "one")).toEqual([entryId])
  one.fault = {}
  await run(one, false)
  expect(managerOf(one).content["one"]).toBe(":s0")
  expect(owedIn(one, "one")).toEqual([])
})

test("only the program that reads the silent entry waits for it", async () => {
  const one = world({ unhealthy: true, manager: { silent: { from: looks + 2 } } }, ["one"], "api")
  await run(one, true)
  // Both on the way forward, one on the way back.
  expect(one.restarts).toBe(3)
  expect(one.programs["web"]?.["one"]).toBe(":s0")
  expect(one.stored.secrets["one"]?.unwritten?.programs).toEqual(["api"])
  one.fault = {}
  await run(one, false)
  expect(one.programs["api"]?.["one"]).toBe(":s0")
  expect(one.stored.secrets["one"]?.unwritten).toBeUndefined()
})

test("a file that cannot be put back does not keep the file after it from going back", async () => {
  const one = begin({ title: "", fault: { unhealthy: true, outputFails: 3 } })
  const { outcomes } = await run(one, true)
  expect(one.files["/env/a"]?.["dual"]).not.toBe(":r0")
  expect(one.files["/env/b"]).toEqual({ one: ":s0", gen: ":g0" })
  expect(one.programs["web"]?.["one"]).toBe(":s0")
  expect(outcomes["dual"]).toMatchObject({ kind: "waiting", by: "file", code: "write-failed" })
  await run(one, false)
  expect(one.files["/env/a"]?.["dual"]).toBe(":r0")
  expect(one.stored.changeSet).toBeUndefined()
})

for (const from of [1, looks + 1])
  test(`a containment waits for no manager: silent from call ${from} on`, async () => {
    const one = world({ manager: { silent: { from } } }, ["dual", "one"])
    one.expels = true
    const { outcomes } = await run(one, containment)
    expect(Object.values(outcomes).map(({ kind }) => kind)).toEqual(Array(4).fill("rotated"))
    expect(one.dual).not.toContain("r0")
    expect(one.programs["web"]?.["one"]).toBe(`:${one.one}`)
    expect(owedIn(one, "dual")).toEqual([entryId])
    one.fault = {}
    await run(one, false)
    expect(managerOf(one).content).toEqual({ dual: `:${[...one.dual].join()}`, one: `:${one.one}` })
    expect(owedIn(one, "dual")).toEqual([])
  })

test("a value that is given up lives until readers of the entry have read the former one again", async () => {
  const one = world({ unhealthy: true }, ["dual"])
  const { outcomes } = await run(one, true)
  expect(outcomes["dual"]?.kind).toBe("rolled-back")
  expect(one.dual.size).toBe(2)
  expect(one.stored.secrets["dual"]?.versions.at(-1)?.stage).toMatchObject({
    kind: "uncertain",
    why: `given up, but programs that read ${entryId} may still have it`,
    notBefore: new Date(one.time + 3_600_000).toISOString(),
  })
  one.time += 3_599_000
  await run(one, false)
  expect(one.dual.size).toBe(2)
  one.time += 1000
  await run(one, false)
  expect([...one.dual]).toEqual(["r0"])
})

test("the grace of a value that an entry has shown is as long as its readers may keep it", async () => {
  const one = world({}, ["dual"])
  await run(one, true)
  expect(one.stored.secrets["dual"]?.versions[0]?.stage).toMatchObject({
    kind: "previous",
    revokeAt: new Date(one.time + 3_600_000).toISOString(),
  })
})

test("a write without an answer finds another mark if it lands after the rollback", async () => {
  const loses = { write: 1, late: 1000 }
  const silent = { from: looks + 2, to: looks + 3 }
  const one = world({ manager: { loses, silent } }, ["one"])
  const { outcomes } = await run(one, true)
  expect(outcomes["one"]).toMatchObject({ kind: "rolled-back", code: "entry-unknown" })
  expect(one.stored.changeSet).toBeUndefined()
  expect(managerOf(one).late).toHaveLength(1)
  managerOf(one).flush(one.time)
  expect([one.one, managerOf(one).content["one"]]).toEqual(["s0", ":s0"])
})

test("a lost answer alone turns nothing back: what stands there is looked at", async () => {
  for (const late of [undefined, 1, 1000]) {
    const loses = { write: 1, ...(late === undefined ? {} : { late }) }
    const one = world({ manager: { loses } }, ["one"])
    const { outcomes } = await run(one, true)
    expect(outcomes["one"]?.kind).toBe("rotated")
    managerOf(one).flush(one.time)
    expect(managerOf(one).content["one"]).toBe(`:${one.one}`)
  }
})

test("while services take both values a silent entry turns nothing back: it is owed, and the old value lives until it is written and read", async () => {
  const one = world({ manager: { silent: { from: looks + 1 } } }, ["dual"])
  const { outcomes } = await run(one, true)
  expect(outcomes["dual"]).toMatchObject({
    kind: "rotated",
    owes: expect.stringContaining(`${entryId} is not written yet`) as unknown as string,
  })
  expect(one.stored.changeSet).toBeUndefined()
  expect(owedIn(one, "dual")).toEqual([entryId])
  one.time += 7_200_000
  await run(one, false)
  expect([...one.dual]).toContain("r0")
  one.fault = {}
  await run(one, false)
  expect(owedIn(one, "dual")).toEqual([])
  expect([...one.dual]).toContain("r0")
  one.time += 3_600_000
  await run(one, false)
  expect([...one.dual].map((value) => `:${value}`)).toEqual([managerOf(one).content["dual"] ?? ""])
})

test("the secrets of a silent entry that a program reads wait for it, and the others go on", async () => {
  const one = world({ manager: { silent: { from: looks + 1 } } }, ["dual"], "api")
  const { outcomes } = await run(one, true)
  expect(outcomes["dual"]).toMatchObject({ kind: "waiting", by: "file", code: "entry-unknown" })
  expect(outcomes["one"]?.kind).toBe("rotated")
  for (const program of ["api", "web"]) expect(one.programs[program]?.["one"]).toBe(`:${one.one}`)
  expect(managerOf(one).content["dual"]).toBe(":r0")
  expect(one.dual).toContain("r0")
  one.fault = {}
  const after = await run(one, false)
  expect(after.outcomes["dual"]?.kind).toBe("rotated")
  expect(managerOf(one).content["dual"]).not.toBe(":r0")
})

async function revoke(one: World): ReturnType<typeof revokeOwed> {
  one.time += 3_600_000
  return revokeOwed(await Session.load(one.start().work), { skipGrace: false })
}

test("an entry in which someone has put the former value back keeps that alive, and is told", async () => {
  const one = world({}, ["dual"])
  await run(one, true)
  managerOf(one).putBack("dual", ":r0", one.time)
  const [revoked] = (await revoke(one)).filter(({ secret }) => secret === "dual")
  expect(revoked?.death).toMatchObject({ kind: "owed", code: "output-reverted" })
  expect(one.dual).toContain("r0")
})

test("before a revoke the mark is looked at, and no value; what someone else writes beside ours is no matter", async () => {
  const one = world({}, ["dual"])
  await run(one, true)
  const before = managerOf(one).calls
  managerOf(one).putBack("others", "theirs", one.time)
  const [revoked] = (await revoke(one)).filter(({ secret }) => secret === "dual")
  expect(revoked?.death.kind).toBe("dead")
  expect(managerOf(one).calls - before).toBe(2)
  const again = world({}, ["dual"])
  await run(again, true)
  const calls = managerOf(again).calls
  expect(calls).toBe(looks + 1)
  await revoke(again)
  expect(managerOf(again).calls - calls).toBe(1)
  const two = world({}, ["dual", "pair"])
  await run(two, true)
  const before2 = managerOf(two).calls
  await revoke(two)
  expect(managerOf(two).calls - before2).toBe(1)
})

test("a manager that never answers ends with the request to stop", async () => {
  const one = world({}, ["dual"])
  const hurry = new AbortController()
  const { work } = one.start()
  const signals: AbortSignal[] = []
  const hung: Work = {
    ...work,
    forceStop: hurry.signal,
    outputs: work.outputs.map((output) =>
      output.target === entryId
        ? {
            ...output,
            prepare: (_values, _issued, signal) => {
              signals.push(signal)
              hurry.abort()
              return new Promise(() => undefined)
            },
          }
        : output,
    ),
  }
  const began = performance.now()
  const outcomes = await rotate(await Session.load(hung), { secrets: ["dual"], why: "asked" })
  expect(outcomes["dual"]).toMatchObject({ kind: "left", code: "abandoned" })
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  // Not by the manager's own time limit.
  expect(performance.now() - began).toBeLessThan(managerWithinMs / 2)
})

test("what is staged is named in the state before, and nothing of it is left", async () => {
  for (const [fault, kind] of [
    [{}, "rotated"],
    [{ unhealthy: true }, "rolled-back"],
    [{ manager: { silent: { from: looks + 2 } } }, "rolled-back"],
    [{ manager: { silent: { from: looks + 1 } } }, "left"],
  ] as const) {
    const stages = { ...("manager" in fault ? fault.manager : {}), stages: true as const }
    const one = world({ ...fault, manager: stages }, ["one"])
    const named: boolean[] = []
    managerOf(one).onStage = (token) =>
      named.push(one.stored.staged?.[entryId]?.includes(token) === true)
    const { outcomes } = await run(one, true)
    expect(outcomes["one"]?.kind).toBe(kind)
    expect(named).toEqual(named.map(() => true))
    one.fault = { manager: { stages: true } }
    await run(one, false)
    await run(one, false)
    expect([managerOf(one).staged, one.stored.staged]).toEqual([[], undefined])
    expect(managerOf(one).content["one"]).toBe(`:${one.one}`)
  }
})

test("programs that are locked out wait for no manager whose entry they do not read", async () => {
  for (const [shows, reader, waited] of [
    [["one"], undefined, 2],
    [["dual"], undefined, 2],
    [["one"], "api", 0],
  ] as const) {
    const one = world({}, shows, reader)
    const { work } = one.start()
    const restarted = Promise.withResolvers<void>()
    const seen: number[] = []
    const slow: Work = {
      ...work,
      outputs: work.outputs.map((output) =>
        output.target === entryId ? answersAfter(output, restarted.promise, seen, one) : output,
      ),
      restarts: {
        ...work.restarts,
        restart: async (deployment, mark, stop, first) => {
          const answer = await work.restarts.restart(deployment, mark, stop, first)
          if (one.restarts === 2) restarted.resolve()
          return answer
        },
      },
    }
    const outcomes = await rotate(await Session.load(slow), {
      secrets: ["dual", "one"],
      why: "asked",
    })
    expect(Object.values(outcomes).map(({ kind }) => kind)).toEqual(["rotated", "rotated"])
    expect(seen).toEqual([waited])
    expect(managerOf(one).content).not.toEqual({ dual: ":r0" })
  }
})

/** Its write is answered once the programs are restarted, if they do not wait for it. */
function answersAfter(
  output: Work["outputs"][number],
  restarted: Promise<void>,
  seen: number[],
  one: World,
): Work["outputs"][number] {
  return {
    ...output,
    prepare: async (...args) => {
      const draft = await output.prepare(...args)
      return {
        ...draft,
        commit: async (...how) => {
          await Promise.race([restarted, Bun.sleep(300)])
          seen.push(one.restarts)
          return draft.commit(...how)
        },
      }
    },
  }
}

test("in an incident a manager has five seconds, in a rotation as long as any", async () => {
  for (const [order, time] of [
    [{ why: "asked" }, undefined],
    [containment, 5000],
  ] as const) {
    const one = world({}, ["dual"])
    const { work } = one.start()
    const seen: (number | undefined)[] = []
    const { draft, land } = work.delivery
    const watched: Work = {
      ...work,
      delivery: {
        ...work.delivery,
        draft: (outputs, values, known, options) => {
          if (outputs.some(({ target }) => target === entryId)) seen.push(options?.managerMs)
          return draft(outputs, values, known, options)
        },
        land: (output, change, how) => {
          seen.push(how.managerMs)
          return land(output, change, how)
        },
      },
    }
    await rotate(await Session.load(watched), { secrets: ["dual"], ...order })
    expect(seen).toEqual([time, time, time])
  }
})
