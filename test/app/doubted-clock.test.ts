import { expect, test } from "bun:test"
import { existsSync, readdirSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { adopt } from "../../src/repair/adopt.ts"
import type { App } from "../../src/app/app.ts"
import { contain } from "../../src/incident/contain.ts"
import { Daemon } from "../../src/app/service/daemon.ts"
import type { ServiceEvents } from "../../src/app/service/events.ts"
import { deleteSecrets } from "../../src/repair/delete.ts"
import { withEnvironment } from "../../src/app/environment.ts"
import { render } from "../../src/repair/render.ts"
import { rotateNow } from "../../src/app/rotate-now.ts"
import { takeIn } from "../../src/incident/take-in.ts"
import { runEnvironment } from "../../src/app/service/environment-run.ts"
import { lookForDrift } from "../../src/app/service/look-for-drift.ts"
import { type Host, realHost } from "../../src/base/system/host.ts"
import { plan } from "../../src/cli/commands/plan.ts"
import { status } from "../../src/cli/commands/status.ts"
import type { Terminal } from "../../src/cli/command.ts"
import { Listeners } from "../../src/core/listeners.ts"
import type { StateDocument } from "../../src/core/state.ts"
import { segmentFolder } from "../../src/record/audit-segments.ts"
import { readLog } from "../../src/record/audit-read.ts"
import { readState } from "../../src/record/state-file.ts"
import { Session } from "../../src/rotate/session.ts"
import { KeyService } from "../plugins/drivers/exec/key-service.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { openApp } from "../support/open-app.ts"
import type { lookAtOutputs } from "../../src/app/service/look-at-outputs.ts"

/**
 * What a clock that is not trusted may do to a state and its log, by whatever act: nothing is
 * removed by it, and nothing corrected.
 */

const dayMs = 86_400_000
const right = Date.parse("2027-03-02T12:00:00Z")

type House = {
  readonly app: App
  readonly clock: { wall: number; passed: number }
  readonly folder: string
}

async function houseOf(folder: string, secrets: string, shown = ""): Promise<House> {
  const clock = { wall: right, passed: 0 }
  const host: Host = {
    ...realHost({}),
    now: () => new Date(clock.wall),
    monotonicMs: () => clock.passed,
  }
  const app = await openApp(
    folder,
    "project: test\n" +
      "store: ./store\n" +
      "rotate_every: 90d\n" +
      "audit: { segment: 1KiB, keep: 30d }\n" +
      "environments:\n  " +
      `one: { secrets: ${secrets}${shown} }\n`,
    { host },
  )
  return { app, clock, folder }
}

/** A value behind a program, and a file that shows it. */
async function keyed(folder: string, service: KeyService): Promise<House> {
  const program = JSON.stringify(
    fileURLToPath(new URL("../plugins/drivers/exec/program.ts", import.meta.url)),
  )
  const first = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("hex")
  await writeFile(join(folder, ".env"), `KEY=${first}\n`, { mode: 0o600 })
  service.users.set("app", [first])
  const secret =
    `{ k: { driver: exec, command: [${JSON.stringify(process.execPath)}, ${program}], ` +
    `holds: two, user: app, env: { SERVICE: ${JSON.stringify(service.url)} } } }`
  return houseOf(
    folder,
    secret,
    `, outputs: [{ dotenv: .env, variables: { KEY: "{{ k.password }}" } }]`,
  )
}

const placeOf = ({ app }: House) => ({
  store: app.config.store,
  project: "test",
  environment: "one",
})
async function stateOf(house: House): Promise<StateDocument> {
  const state = await readState(placeOf(house))
  if (state === undefined) throw new Error("no state")
  return state
}
const asked = { why: "asked", skipGrace: true, waitMs: 0 } as const
const keptIn = ({ secrets }: StateDocument): readonly string[] =>
  secrets["k"]?.versions.filter(({ stage }) => stage.kind === "retired").map(({ id }) => id) ?? []
const partsOf = (house: House): readonly string[] =>
  existsSync(segmentFolder(placeOf(house)))
    ? readdirSync(segmentFolder(placeOf(house))).toSorted()
    : []

test("a drift that is noted by a clock that is not trusted removes no part of the log, and no kept version", async () => {
  await using folder = await temporaryFolder()
  await using service = await KeyService.start(2)
  const house = await keyed(folder.path, service)
  await adopt(house.app, "one", {})
  for (let act = 0; act < 4; act++) await rotateNow(house.app, "one", asked)
  const [kept, parts] = [keptIn(await stateOf(house)), partsOf(house)]
  expect([kept.length > 1, parts.length > 0]).toEqual([true, true])
  house.clock.wall += 365 * dayMs
  service.users.set("app", [])
  expect(await lookForDrift(house.app, "one", () => false)).toMatchObject([
    { secret: "k", kind: "refused" },
  ])
  expect((await stateOf(house)).secrets["k"]?.drift).toBeDefined()
  expect(keptIn(await stateOf(house))).toEqual(kept)
  expect(partsOf(house)).toEqual(expect.arrayContaining([...parts]))
})

test("the service tells its look for drift whether its clock runs true", async () => {
  await using folder = await temporaryFolder()
  const house = await houseOf(
    folder.path,
    `{ k: { driver: postgres, address: "postgresql://127.0.0.1:5/shop", role: shop } }, watch: 5m`,
  )
  const { clock } = house
  const stop = new AbortController()
  let leapt = false
  const host: Host = {
    ...house.app.host,
    pause: async (ms, signal) => {
      await new Promise((resolve) => setImmediate(resolve))
      if (signal?.aborted === true) return
      clock.wall += ms + (leapt ? 0 : 365 * dayMs)
      clock.passed += ms
      leapt = true
      if (clock.passed > 3_600_000) stop.abort()
    },
  }
  const told: { readonly at: number; readonly steady: boolean }[] = []
  const look: typeof lookForDrift = (_app, _environment, isSteady) => {
    told.push({ at: clock.passed, steady: isSteady() })
    return Promise.resolve([])
  }
  const none = (): undefined => undefined
  const watch: ServiceEvents = {
    turned: none,
    failed: none,
    clock: none,
    drifted: none,
    shown: none,
    unclear: none,
    uncontained: none,
    unwritten: none,
    round: none,
  }
  await new Daemon({ ...house.app, host, stop: stop.signal }, watch, undefined, {
    services: look,
    outputs: lookAtNone,
  }).run()
  expect(told.filter(({ at }) => at > 0 && at < 600_000).map(({ steady }) => steady)).toContain(
    false,
  )
  expect(told.filter(({ at }) => at < 600_000).every(({ steady }) => !steady)).toBe(true)
  expect(told.at(-1)?.steady).toBe(true)
})

test("the service tells since when a secret is not contained, or refused, by what can be true now, and once", async () => {
  await using folder = await temporaryFolder()
  const house = await houseOf(folder.path, "{ k: generated, l: generated }")
  const { app, clock } = house
  await rotateNow(app, "one", { ...asked, why: "new" })
  const since = new Date(clock.wall).toISOString()
  await withEnvironment(app, "one", ({ session }) =>
    session.commit({
      patches: {
        k: (state) => ({ ...state, uncontained: { incident: "leak", since, code: "no-answer" } }),
        l: (state) => ({ ...state, drift: { since, code: "current-refused" } }),
      },
    }),
  )
  // A year behind now.
  clock.wall -= 365 * dayMs
  const stop = new AbortController()
  let rounds = 0
  const host: Host = {
    ...app.host,
    pause: async (ms) => {
      clock.passed += ms
      clock.wall += ms
      if (rounds++ > 5) stop.abort()
    },
  }
  const told: (readonly string[])[] = []
  const none = (): undefined => undefined
  const watch: ServiceEvents = {
    turned: (_, { uncontained, drifted }) =>
      void told.push(["turn", ...[...uncontained, ...drifted].map((one) => one.since)]),
    uncontained: (_, left) => void told.push(["once", ...left.map((one) => one.since)]),
    failed: none,
    clock: none,
    drifted: none,
    shown: none,
    unclear: none,
    unwritten: none,
    round: none,
  }
  await new Daemon({ ...app, host, stop: stop.signal }, watch, undefined, {
    services: () => Promise.resolve([]),
    outputs: lookAtNone,
  }).run()
  expect(told.filter(([kind]) => kind === "once")).toHaveLength(1)
  const latest = new Date(clock.wall).toISOString()
  expect(told.flatMap(([, ...at]) => at).filter((at) => at > latest)).toEqual([])
  const { uncontained, drifted } = await runEnvironment(app, "one", { rotate: "unless-behind" })
  expect([...uncontained, ...drifted].map((one) => one.since > latest)).toEqual([false, false])
})

test("no command but rotate-now corrects what a state says, for the clock of now may be the wrong one", async () => {
  await using folder = await temporaryFolder()
  const house = await houseOf(
    folder.path,
    "{ k: generated, l: generated, m: generated }",
    `, outputs: [{ dotenv: .env, variables: { K: "{{ k.password }}", L: ` +
      `"{{ l.password }}", M: "{{ m.password }}" } }]`,
  )
  const { app, clock } = house
  await rotateNow(app, "one", { ...asked, why: "new" })
  const timesOf = ({ secrets }: StateDocument): unknown =>
    ["k", "l"].map((name) => [secrets[name]?.rotatedAt, secrets[name]?.undated])
  const before = timesOf(await stateOf(house))
  // No clock of its own, and no time was set yet.
  clock.wall -= 3_600_000
  const acts = {
    render: () => render(app, "one"),
    adopt: () => adopt(app, "one", {}),
    contain: () =>
      contain(app, new Map([["one", ["m"]]]), { incident: "leak", revokeFirst: false }),
    delete: () => deleteSecrets(app, "one", { secrets: ["m"], keepLogin: true }),
  }
  for (const [name, act] of Object.entries(acts)) {
    await act()
    expect([name, timesOf(await stateOf(house))]).toEqual([name, before])
  }
  await rotateNow(app, "one", { ...asked, secrets: ["l"] })
  expect((await stateOf(house)).secrets["k"]).toMatchObject({
    rotatedAt: new Date(clock.wall).toISOString(),
    undated: true,
  })
})

test("where one secret's time is corrected, the log names that one, and the state of no other is touched", async () => {
  await using folder = await temporaryFolder()
  const house = await houseOf(
    folder.path,
    "{ a: generated, k: generated, l: generated, m: generated }",
  )
  await rotateNow(house.app, "one", { ...asked, why: "new" })
  house.clock.wall += 365 * dayMs
  await rotateNow(house.app, "one", { ...asked, secrets: ["k"] })
  house.clock.wall = right + 60_000
  await rotateNow(house.app, "one", { ...asked, secrets: ["a"] })
  const events: unknown[] = []
  for await (const { entry } of readLog(placeOf(house)))
    if (entry?.event === "clock-was-ahead") events.push(entry["secrets"])
  expect(events).toEqual([["k"]])
})

test("a value that a containment takes over is of unknown age, and who listened where it was proven is noted", async () => {
  await using folder = await temporaryFolder()
  await using service = await KeyService.start(2)
  const house = await keyed(folder.path, service)
  await withEnvironment(house.app, "one", async ({ session: opened }) => {
    const listeners = new Listeners()
    listeners.saw("127.0.0.1:6379", 999)
    const session = new Session(
      { ...opened.work, listeners: { k: listeners } },
      opened.document,
      opened,
    )
    expect(await takeIn(session, ["k"], { incident: "leak", forMs: 3000 })).toEqual(new Set())
    await session.commit({ flush: true })
  })
  const { versions, listeners } = (await stateOf(house)).secrets["k"] ?? { versions: [] }
  expect(versions.map(({ stage, adopted }) => [stage.kind, adopted])).toEqual([
    ["current", "undated"],
  ])
  expect(listeners).toEqual({ "127.0.0.1:6379": 999 })
})

test("a date that a person gives ends that a value's age is unknown, of one that was adopted and of one that mycelium made", async () => {
  await using folder = await temporaryFolder()
  const house = await houseOf(
    folder.path,
    "{ k: generated }",
    `, outputs: [{ dotenv: .env, variables: { K: "{{ k.password }}" } }]`,
  )
  await rotateNow(house.app, "one", { ...asked, why: "new" })
  const made = new Date("2027-02-01T00:00:00Z")
  // Of a value that it knows the age of, a date says nothing.
  expect((await adopt(house.app, "one", {}, made))["k"]).toMatchObject({
    kind: "known",
    ours: true,
  })
  const undate = (): Promise<void> =>
    withEnvironment(house.app, "one", ({ session }) =>
      session.commit({ patches: { k: (state) => ({ ...state, undated: true }) } }),
    )
  await undate()
  for (const date of [made, new Date("2027-01-15T00:00:00Z")]) {
    expect((await adopt(house.app, "one", {}, date))["k"]).toMatchObject({
      kind: "known",
      madeAt: date.toISOString(),
    })
    const { rotatedAt, undated } = (await stateOf(house)).secrets["k"] ?? {}
    expect([rotatedAt, undated]).toEqual([date.toISOString(), undefined])
    await undate()
  }
})

test("plan and status say the same of a state that knows of times that have not come", async () => {
  await using folder = await temporaryFolder()
  const house = await houseOf(folder.path, "{ k: generated, l: generated }")
  await rotateNow(house.app, "one", { ...asked, why: "new" })
  house.clock.wall += 365 * dayMs
  await rotateNow(house.app, "one", { ...asked, secrets: ["k"] })
  house.clock.wall = right + 60_000
  const said: string[] = []
  const terminal = {
    host: house.app.host,
    stdout: (line: string) => said.push(line),
    stderr: () => undefined,
  } as unknown as Terminal
  for (const command of [plan, status])
    await command.run(terminal, [], { config: join(folder.path, "mycelium.yaml"), json: true })
  const [planned, shown] = said.map(
    (line) =>
      JSON.parse(line) as {
        readonly environments: readonly {
          readonly undated: readonly string[]
          readonly secrets: readonly { readonly name: string; readonly ageMs?: number }[]
        }[]
      },
  )
  const unknown = shown?.environments[0]?.secrets
    .filter(({ ageMs }) => ageMs === undefined)
    .map(({ name }) => name)
  expect([unknown, planned?.environments[0]?.undated]).toEqual([["k"], ["k"]])
})

test("the log says why each value was made", async () => {
  await using folder = await temporaryFolder()
  const house = await houseOf(folder.path, "{ k: generated }")
  await rotateNow(house.app, "one", { ...asked, why: "new" })
  await rotateNow(house.app, "one", asked)
  await contain(house.app, new Map([["one", ["k"]]]), { incident: "leak", revokeFirst: false })
  const whys: unknown[] = []
  for await (const { entry } of readLog(placeOf(house)))
    if (entry?.event === "generate") whys.push(entry["why"])
  expect(whys).toEqual(["new", "asked", "incident"])
})

const lookAtNone: typeof lookAtOutputs = () => Promise.resolve({ marks: "", changes: [] })
