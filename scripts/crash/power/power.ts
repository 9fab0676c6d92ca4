import { type Fault, judgeCut, judgeRest, judgeService, middleOf } from "../judge.ts"
import { Lane, unlessLate } from "../lane.ts"
import type { Scenario, Servers } from "../scenarios.ts"
import type { Kept, Laid } from "./disk.ts"
import { layOut } from "./lay-out.ts"
import { type Recorded, record, recordAfterKill } from "./record.ts"
import { stagesAt } from "./stages.ts"
import { Watch } from "./watch.ts"

export type PowerFault = Fault & { readonly disk: string }
export type Powered = {
  readonly scenario: Scenario
  /** Between how many file calls the power went. */
  readonly instants: number
  /** Different disks that were laid out and judged; those that the binary then recovered. */
  readonly disks: number
  readonly recovered: number
  /** How often the first run told each service, or the manager of an entry, to change. */
  readonly told: Readonly<Record<string, number>>
  /** The most changes that were not yet synced at one instant. */
  readonly unsynced: number
  readonly faults: readonly PowerFault[]
}
export type HowPower = {
  /** How many disks the binary recovers; undefined: all. */
  readonly count: number | undefined
  /** After how many renames it is killed first, so that the power goes in the recovery. */
  readonly kills: number
  readonly random: () => number
  readonly tell?: (message: string) => void
}

/** What is there of what was not synced; "some" is drawn anew each time. */
const kinds = ["none", "names", "bytes", "all", "some", "some"] as const

type Case = {
  readonly run: Recorded
  readonly instant: number
  readonly kept: (typeof kinds)[number]
  readonly laid: Laid
  readonly stages: readonly number[]
}

/**
 * A run is logged, byte for byte; then the power goes after each of its instants, and a disk of
 * each kind is judged.
 */
export async function losePower(
  servers: Servers,
  scenario: Scenario,
  { count, kills, random, tell }: HowPower,
): Promise<Powered> {
  await using stack = new AsyncDisposableStack()
  let watch: Watch | undefined
  await using lane = await Lane.open(servers, scenario, async (shop) => {
    watch = stack.use(await Watch.before(shop))
  })
  if (watch === undefined) throw new Error("the shop was not laid out")
  const watched = { lane, watch }
  const first = await record(watched)
  const renames = pick(first.renames, kills, random)
  const runs = [first]
  for (const instant of renames) runs.push(await recordAfterKill(watched, first, instant))
  const cases = runs.flatMap((run) => casesOf(run, random))
  const recovered = new Set(count === undefined ? cases : pick(cases, count, random))
  const faults: PowerFault[] = []
  let held = ""
  for (const one of cases) {
    // Telling a service what it holds already costs more than all the rest.
    const holds = `${runs.indexOf(one.run)} ${one.stages.join(" ")}`
    await layOut(lane, one, holds !== held)
    held = holds
    let found = await judgeCut(lane).catch(unreadable)
    if (recovered.has(one) && found.length === 0) {
      held = ""
      found = await recoverFrom(lane, one, random() < 0.5)
    }
    for (const fault of found) {
      const disk = `${one.run.message(one.instant)}, ${one.kept} of what was not synced`
      faults.push({ ...fault, disk })
      tell?.(`${scenario.name}: ${disk}: ${fault.kind}: ${fault.message}`)
    }
  }
  const unsynced = Math.max(
    0,
    ...runs.flatMap(({ disk }) => disk.instants.map((instant) => disk.unsynced(instant))),
  )
  return {
    scenario,
    instants: runs.reduce((all, { instants }) => all + instants.length, 0),
    disks: cases.length,
    recovered: recovered.size,
    told: Object.fromEntries(
      watch.names.map((name, index) => [name, first.stages[index]?.told.length ?? 0]),
    ),
    unsynced,
    faults,
  }
}

/** The same disk beside the same services is one case. */
function casesOf(run: Recorded, random: () => number): readonly Case[] {
  const cases = new Map<string, Case>()
  for (const instant of run.instants) {
    for (const kept of kinds) {
      const laid = run.disk.after(instant, kept === "some" ? random : (kept satisfies Kept))
      const stages = run.stages.map((stage) => between(stagesAt(stage, instant), random))
      const key = `${laid.digest} ${stages.join(" ")}`
      if (!cases.has(key)) cases.set(key, { run, instant, kept, laid, stages })
    }
  }
  return [...cases.values()]
}

function between({ least, most }: ReturnType<typeof stagesAt>, random: () => number): number {
  return least + Math.floor(random() * (most - least + 1))
}

function unreadable(error: unknown): readonly Fault[] {
  return [
    {
      kind: "lost",
      message:
        "what is on the disk cannot be read: " +
        `${error instanceof Error ? error.message : "unknown error"}`,
    },
  ]
}

/** From the disk as it lies there; if a health check got no answer, from the same disk anew. */
function recoverFrom(lane: Lane, one: Case, service: boolean): Promise<readonly Fault[]> {
  let laidOut = true
  const work = async (): Promise<readonly Fault[]> => {
    if (!laidOut) await layOut(lane, one)
    laidOut = false
    return recover(lane, service)
  }
  return unlessLate(lane, work, (faults) => faults.length === 0)
}

async function recover(lane: Lane, service: boolean): Promise<Fault[]> {
  const faults: Fault[] = []
  for (const args of lane.commands.slice(0, -1)) {
    const ran = await lane.call(args)
    if (ran.code !== 0)
      faults.push({
        kind: "stuck",
        message: `${args[0]} ended with ${ran.code ?? ran.signal}: ${ran.stdout}${ran.stderr}`,
      })
  }
  const middle = await middleOf(lane)
  if (service) faults.push(...(await judgeService(lane, await lane.service(), middle)))
  const since = service ? await middleOf(lane) : middle
  return [...faults, ...(await judgeRest(lane, await lane.run(), since))]
}

function pick<T>(items: readonly T[], count: number, random: () => number): readonly T[] {
  const rest = [...items]
  return Array.from({ length: Math.min(count, items.length) }, () =>
    rest.splice(Math.floor(random() * rest.length), 1),
  ).flat()
}
