import { isDeferrable } from "../../src/core/change-set.ts"
import { expect, test } from "bun:test"
import { AppError } from "../../src/base/error.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import type { Work } from "../../src/rotate/work.ts"
import { type Name, World, names } from "../crash/world.ts"

/** While programs are locked out, the disk and the login that proves the new value are at work at once. */

type Seen = {
  readonly world: World
  readonly acts: readonly string[]
  readonly session: Session
  readonly outcome: unknown
}

/** Rotates, and says what came after what. */
async function seen(
  secrets: readonly Name[],
  change: (work: Work) => Work = (work) => work,
  world = new World(),
): Promise<Seen> {
  const acts: string[] = []
  const noting = async <T>(what: string, act: () => Promise<T>): Promise<T> => {
    acts.push(what)
    return act().finally(() => acts.push(`${what} ends`))
  }
  const { work } = world.start()
  const drivers = Object.entries(work.drivers).map(([name, driver]) => {
    const isNew = (value: unknown): boolean => value !== "v1" && value !== "control"
    return [
      name,
      {
        ...driver,
        apply: (...asked: Parameters<typeof driver.apply>) =>
          noting(`apply ${name}`, () => driver.apply(...asked)),
        probe: (...asked: Parameters<typeof driver.probe>) =>
          isNew(asked[0].version)
            ? noting(`prove ${name}`, () => driver.probe(...asked))
            : driver.probe(...asked),
      },
    ] as const
  })
  const { save } = work.ledger
  const outputs = work.outputs.map((output) => ({
    ...output,
    prepare: async (...asked: Parameters<typeof output.prepare>) => {
      const draft = await output.prepare(...asked)
      return { ...draft, commit: () => noting(`rename ${output.target}`, draft.commit) }
    },
  }))
  const restart: Work["restarts"]["restart"] = (...asked) =>
    noting(`restart ${asked[0].name}`, () => work.restarts.restart(...asked))
  const session = await Session.load(
    change({
      ...work,
      outputs,
      drivers: Object.fromEntries(drivers),
      ledger: { ...work.ledger, save: (next) => noting("write", () => save(next)) },
      restarts: { ...work.restarts, restart },
    }),
  )
  const outcome = await rotate(session, { secrets, why: "due" }).catch((error: unknown) => error)
  return { world, acts, session, outcome }
}

test("what must be durable before a rename is written while the login is under way: no write stands between the two", async () => {
  const { acts, outcome, world } = await seen(["one"])
  expect(outcome).toMatchObject({ one: { kind: "rotated" } })
  const [applied, write, proven, renamed] = [
    acts.indexOf("apply one ends"),
    acts.indexOf("write", acts.indexOf("apply one ends")),
    acts.indexOf("prove one ends"),
    acts.indexOf("rename /env/a"),
  ]
  expect([applied < write, write < proven]).toEqual([true, true])
  expect(acts.slice(proven, renamed).filter((act) => act === "write")).toEqual([])
  // Generate, ahead, one for the second of two restarts, promote: as many as there are where
  // nothing is written ahead.
  expect(acts.filter((act) => act === "write")).toHaveLength(4)
  expect(world.log.map((line) => (JSON.parse(line) as { readonly event: string }).event)).toEqual([
    "generate",
    "verify",
    "restart",
    "restart",
    "promote",
  ])
})

test("nothing is renamed before it is durable, however slow the disk is", async () => {
  const world = new World()
  world.diskTurns = 100
  const { acts } = await seen(["one"], undefined, world)
  const written = acts.indexOf("write ends", acts.indexOf("apply one ends"))
  expect([
    acts.indexOf("prove one ends") < written,
    written < acts.indexOf("rename /env/a"),
  ]).toEqual([true, true])
})

test("each service of the set has its value first: the last of them begins it", async () => {
  const { acts } = await seen(names)
  const applied = ["pair", "dual", "one"].map((name) => acts.indexOf(`apply ${name} ends`))
  const writes = acts.flatMap((act, index) => (act === "write" ? [index] : []))
  expect(writes.filter((at) => at > Math.min(...applied))[0]).toBeGreaterThan(Math.max(...applied))
})

test.each([
  ["two values at a time", ["pair", "dual"]],
  ["no service", ["gen"]],
] as const)("%s: no program is locked out, and the proof comes first", async (_, secrets) => {
  const { acts, session } = await seen(secrets)
  const lastProof = Math.max(...secrets.map((name) => acts.lastIndexOf(`prove ${name} ends`)))
  const firstApply = Math.min(...secrets.map((name) => acts.indexOf(`apply ${name}`)))
  expect(
    acts.slice(Math.max(0, firstApply), Math.max(0, lastProof)).filter((act) => act === "write"),
  ).toEqual([])
  expect(session.changeSet).toBeUndefined()
})

test("a value that is not proven takes it back: the set can be put aside, and nothing was changed outside", async () => {
  const world = new World()
  world.fault = { unproven: { name: "one", calls: 99 } }
  const { acts, outcome, session } = await seen(["one"], undefined, world)
  expect(outcome).toMatchObject({ one: { kind: "waiting" } })
  expect(acts.filter((act) => /rename|restart/.test(act))).toEqual([])
  const set = session.changeSet
  expect(set).toMatchObject({ touched: [], restarted: [] })
  expect([set?.before, set?.ahead, set?.ranIn, set !== undefined && isDeferrable(set)]).toEqual([
    undefined,
    undefined,
    undefined,
    true,
  ])
})

test("a disk that fails meanwhile stops it before anything is renamed", async () => {
  let writes = 0
  const failing = (work: Work): Work => ({
    ...work,
    ledger: {
      ...work.ledger,
      save: (next) =>
        ++writes === 2
          ? Promise.reject(new AppError("write-failed", "disk full", { remedy: "retry" }))
          : work.ledger.save(next),
    },
  })
  const { acts, outcome, session } = await seen(["one"], failing)
  expect(outcome).toMatchObject({ code: "write-failed" })
  expect(acts.filter((act) => /rename|restart/.test(act))).toEqual([])
  expect(session.changeSet).toMatchObject({ secrets: ["one"], direction: "forward" })
})

test("a containment is not written ahead", async () => {
  const world = new World()
  const { work } = world.start()
  const session = await Session.load(work)
  const saved: boolean[] = []
  const { save } = work.ledger
  Object.assign(work.ledger, {
    save: (next: Parameters<typeof save>[0]) => (
      saved.push(next.changeSet?.ahead === true), save(next)
    ),
  })
  await rotate(session, {
    secrets: names,
    why: "incident",
    incident: "leak",
    contain: { revokeFirst: true },
  })
  expect(saved).not.toContain(true)
  expect(saved.length).toBeGreaterThan(2)
})
