import { afterEach, expect, test } from "bun:test"
import { waitsForPerson } from "../../src/app/service/try-again.ts"
import { findMarked, markVariable } from "../../src/base/processes/marked-processes.ts"
import type { RunLocation } from "../../src/base/processes/run-location.ts"
import { runInHand } from "../../src/core/run-mark.ts"
import { run } from "../../src/base/processes/spawn.ts"
import { awaitAgain } from "../../src/rotate/acting.ts"
import { isAtWork, leave } from "../../src/rotate/leave.ts"
import { recheckHealth } from "../../src/rotate/recheck-health.ts"
import type { Outcomes } from "../../src/rotate/work.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import { World, names } from "../crash/world.ts"
import { endPid, pidsIn } from "../support/running.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { until } from "../support/until.ts"

/** What a run says of its programs when it ends, beside real processes. */

const here: RunLocation = { boot: "a", namespace: "pid:[1]" }
const pids: number[] = []
afterEach(() => {
  for (const pid of pids.splice(0)) endPid(pid)
})

/** A run that lives here, in which "one" falls silent once its new value is made. */
async function withSilent(): Promise<{ readonly session: Session; readonly outcomes: Outcomes }> {
  const world = new World()
  const onStep = (): void => {
    world.fault = { silent: { name: "one", calls: 1000 } }
  }
  const session = await Session.load({ ...world.start().work, location: here, onStep })
  return { session, outcomes: await rotate(session, { secrets: names, why: "asked" }) }
}

/** Its journal stays open, with a restart under way. */
async function inRestart(): Promise<{ readonly session: Session; readonly mark: string }> {
  const { session } = await withSilent()
  const set = session.changeSet
  if (set === undefined) throw new Error("no journal is open")
  session.document = { ...session.document, changeSet: { ...set, touched: ["api"], ranIn: here } }
  return { session, mark: `${set.id}/api` }
}

test("the mark stays as long as a program that an earlier run began can be seen", async () => {
  const { session, mark } = await inRestart()
  const left = Bun.spawn(["setsid", "--wait", "sleep", "600"], {
    env: { PATH: "/usr/bin:/bin", [markVariable]: mark },
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
  })
  // setsid, and what it starts in a session of its own: one that is not seen yet would be left.
  await until("both to run", async () => (await findMarked(mark)).length === 2)
  pids.push(...(await findMarked(mark)))
  await leave(session)
  expect(session.changeSet?.ranIn).toEqual(here)
  for (const pid of pids.splice(0)) endPid(pid)
  await left.exited
  await until("nothing to run", async () => (await findMarked(mark)).length === 0)
  await leave(session)
  expect(session.changeSet?.ranIn).toBeUndefined()
})

test("the mark of its programs is durable with the place where they may run, and gone once none does", async () => {
  const world = new World()
  const began = { clock: "boot", since: 7 }
  const run = { ...began, id: "random" }
  const session = await Session.load({ ...world.start().work, location: here, run })
  await rotate(session, { secrets: names, why: "asked" })
  expect(world.stored.changeSet).toBeUndefined()
  expect(world.stored.run).toBeUndefined()
  await session.commit({ acting: here })
  expect(world.stored.run).toEqual(run)
  // Another run goes on with it, and looks at nothing that is older; after another start of the
  // machine, at all.
  const newId = (): string => "another"
  const next = { clock: "boot", since: 9 }
  expect(runInHand(world.stored, next, { newId })).toEqual({ ...run, earlier: { since: 7 } })
  expect(runInHand(world.stored, { clock: "other", since: 9 }, { newId })).toEqual({
    clock: "other",
    since: 0,
    id: "random",
    earlier: { since: 0 },
  })
  expect(runInHand(world.stored, next, { newId, over: true })).toEqual({ ...next, id: "another" })
  // A state of an older release says only that something may live.
  const { run: _run, ...old } = world.stored
  expect(runInHand(old, next, { newId }).id).toBe(old.id.slice(0, 8))
  await leave(session)
  expect(world.stored.run).toBeUndefined()
  expect(runInHand(world.stored, next, { newId })).toEqual({ ...next, id: "another" })
})

test("a daemon that a hook has left does not keep the mark", async () => {
  await using folder = await temporaryFolder()
  const { session, mark } = await inRestart()
  await run(
    [
      "sh",
      "-c",
      `setsid sh -c 'echo $$ > ${folder.path}/pid; exec sleep 600' > /dev/null 2>&1 &\n` +
        `until [ -s ${folder.path}/pid ]; do sleep 0.01; done`,
    ],
    { timeoutMs: 20_000, env: { [markVariable]: mark } },
  )
  pids.push(...pidsIn(await Bun.file(`${folder.path}/pid`).text()))
  await leave(session)
  expect(session.changeSet?.ranIn).toBeUndefined()
})

test("the end of one environment waits for its own programs, and for no other's", async () => {
  const { session, mark } = await inRestart()
  const ends = new AbortController()
  const begin = (of: string): Promise<unknown> =>
    run(["sleep", "600"], { timeoutMs: 60_000, signal: ends.signal, env: { [markVariable]: of } })
  const other = begin("another/api")
  expect(isAtWork(session)).toBe(false)
  const own = begin(mark)
  expect(isAtWork(session)).toBe(true)
  ends.abort()
  await Promise.all([other, own])
  expect(isAtWork(session)).toBe(false)
})

test("a revoke that waits for a person is not tried every minute", () => {
  const owed = (code: string) =>
    [{ secret: "key", version: "v1", death: { kind: "owed", code, message: "" } }] as const
  expect(waitsForPerson({ outcomes: {}, revoked: owed("other-namespace") })).toBe(true)
  expect(
    waitsForPerson({ outcomes: {}, revoked: [...owed("other-namespace"), ...owed("timeout")] }),
  ).toBe(false)
  expect(waitsForPerson({ outcomes: {}, revoked: [] })).toBe(false)
})

test("what a promote has ended says nothing of the secrets that stay in its set", async () => {
  const { session, outcomes } = await withSilent()
  expect([outcomes["dual"]?.kind, session.changeSet?.secrets]).toEqual(["rotated", ["one"]])
  expect([[...session.delivered], [...session.renamed]]).toEqual([[], []])
})

test("a restart beside the journals is durable before it begins, by a mark that a later run finds", async () => {
  const world = new World()
  const work = { ...world.start().work, location: here }
  const web = work.deployments.find(({ name }) => name === "web")
  if (web === undefined) throw new Error("no web")
  const { health: _health, ...blind } = web
  const marks: string[] = []
  const restart = (_: unknown, mark: string): Promise<true> => {
    marks.push(mark)
    expect(world.stored.acting).toEqual({ ...here, again: mark.split("/")[0] ?? "" })
    return Promise.resolve(true)
  }
  const unhealthy = await Session.load({
    ...work,
    deployments: [blind],
    restarts: { ...work.restarts, restart },
  })
  await unhealthy.commit({
    patches: {
      gen: (state) => ({
        ...state,
        unhealthy: {
          since: new Date(world.time).toISOString(),
          deployments: ["web"],
          message: "503",
        },
      }),
    },
  })
  expect(await recheckHealth(unhealthy, ["gen"], "leak")).toEqual({})
  expect(marks).toEqual([expect.stringMatching(/^.+\/web$/)])

  const left = Bun.spawn(["sleep", "600"], {
    env: { PATH: "/usr/bin:/bin", [markVariable]: marks[0] ?? "" },
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
  })
  pids.push(left.pid)
  await leave(unhealthy)
  expect(unhealthy.document.acting).toMatchObject(here)
  // Elsewhere it is not begun beside what may still run.
  const there = await Session.load({
    ...work,
    deployments: [blind],
    restarts: { ...work.restarts, restart },
    location: { boot: "a", namespace: "pid:[2]" },
  })
  there.document = {
    ...there.document,
    secrets: {
      ...there.document.secrets,
      gen: {
        ...there.state("gen"),
        unhealthy: {
          since: new Date(world.time).toISOString(),
          deployments: ["web"],
          message: "503",
        },
      },
    },
  }
  expect((await recheckHealth(there, ["gen"], "leak"))["gen"]).toContain("may still run")
  expect(marks).toHaveLength(1)
  // Here it is let finish, and ended, by its mark, before another is begun.
  let paused = 0
  const next = await Session.load({
    ...work,
    restarts: { ...work.restarts, restart },
    deployments: [blind],
    host: { ...work.host, pause: () => Promise.resolve(void paused++) },
  })
  await awaitAgain(next)
  expect(paused).toBeGreaterThan(1)
  await recheckHealth(
    await Session.load({
      ...next.work,
      ledger: {
        ...work.ledger,
        load: () => Promise.resolve({ ...next.document, secrets: there.document.secrets }),
      },
    }),
    ["gen"],
    "leak",
  )
  expect(new Set(marks).size).toBe(1)
  for (const pid of pids.splice(0)) endPid(pid)
  await left.exited
  const last = await Session.load(next.work)
  await leave(last)
  expect(last.document.acting).toBeUndefined()
})
