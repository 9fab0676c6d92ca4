import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { type Fault, judgeCut, judgeRest, judgeService, middleOf } from "../judge.ts"
import { Lane, folders } from "../lane.ts"
import type { Scenario, Servers } from "../scenarios.ts"
import type { Kept, Laid } from "./disk.ts"
import { type Recorded, record, recordAfterKill } from "./record.ts"
import { type Stages, stagesAt } from "./stages.ts"

export type PowerFault = Fault & { readonly disk: string }
export type Powered = {
  readonly scenario: Scenario
  /** Between so many file calls the power went. */
  readonly instants: number
  /** Different disks that were laid out and judged; those that the binary then recovered. */
  readonly disks: number
  readonly recovered: number
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

/** A run is logged, byte for byte; then the power goes after each of its instants, and a disk of each kind is judged. */
export async function losePower(
  servers: Servers,
  scenario: Scenario,
  { count, kills, random, tell }: HowPower,
): Promise<Powered> {
  await using lane = await Lane.open(servers, scenario)
  const first = await record(lane)
  const renames = pick(first.renames, kills, random)
  const runs = [first]
  for (const instant of renames) runs.push(await recordAfterKill(lane, first, instant))
  const cases = runs.flatMap((run) => casesOf(run, random))
  const recovered = new Set(count === undefined ? cases : pick(cases, count, random))
  const faults: PowerFault[] = []
  let held = ""
  for (const one of cases) {
    // Telling a service what it holds already costs more than all the rest.
    const holds = `${runs.indexOf(one.run)} ${one.stages.join(" ")}`
    await layOut(lane, one, holds !== held)
    held = recovered.has(one) ? "" : holds
    const found = [...(await judgeCut(lane).catch(unreadable))]
    if (recovered.has(one) && found.length === 0)
      found.push(...(await recover(lane, random() < 0.5)))
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

function unreadable(error: unknown): Fault[] {
  return [
    {
      kind: "lost",
      message: `what is on the disk cannot be read: ${error instanceof Error ? error.message : "unknown error"}`,
    },
  ]
}

/** The disk, the services (unless they hold it already), and the programs, which load their files when the machine starts. */
export async function layOut(
  lane: Lane,
  { run, laid, stages }: Pick<Case, "run" | "laid" | "stages">,
  hold = true,
): Promise<void> {
  const { project, options } = lane.shop
  const whole = join(project.root, "laid")
  laid.layOut(whole)
  for (const folder of folders) {
    rmSync(join(project.root, folder), { recursive: true, force: true })
    if (existsSync(join(whole, folder))) renameSync(join(whole, folder), join(project.root, folder))
    else mkdirSync(join(project.root, folder), { mode: 0o700 })
  }
  if (hold) await holdStages(lane, run.stages, stages)
  if (project.has(".env")) project.write("api.loaded", project.read(".env"))
  if (options.two === true && project.has("session.env"))
    project.write("web.loaded", project.read("session.env"))
}

async function holdStages(
  { shop }: Lane,
  all: readonly Stages[],
  reached: readonly number[],
): Promise<void> {
  for (const [index, service] of shop.services.entries())
    await service.hold(all[index]?.held[reached[index] ?? 0] ?? {})
}

async function recover(lane: Lane, service: boolean): Promise<Fault[]> {
  const faults: Fault[] = []
  for (const args of lane.commands.slice(0, -1)) {
    const ran = await lane.shop.project.mycelium(args)
    if (ran.code !== 0)
      faults.push({
        kind: "stuck",
        message: `${args[0]} ended with ${ran.code ?? ran.signal}: ${ran.stdout}${ran.stderr}`,
      })
  }
  const middle = await middleOf(lane)
  if (service)
    faults.push(
      ...(await judgeService(lane, await lane.shop.run("run", "--once", "--json"), middle)),
    )
  const since = service ? await middleOf(lane) : middle
  return [...faults, ...(await judgeRest(lane, await lane.run(), since))]
}

function pick<T>(items: readonly T[], count: number, random: () => number): readonly T[] {
  const rest = [...items]
  return Array.from({ length: Math.min(count, items.length) }, () =>
    rest.splice(Math.floor(random() * rest.length), 1),
  ).flat()
}
