import { type Cut, isHit, planCuts, sampleCuts } from "./cuts.ts"
import {
  type Fault,
  isAtRest,
  judgeCut,
  judgeRest,
  judgeService,
  middleOf,
  openIds,
} from "./judge.ts"
import { Lane, unlessLate, withLane } from "./lane.ts"
import type { Scenario, Servers } from "./scenarios.ts"

export type Explored = {
  readonly scenario: Scenario
  /** Points at which it was to be killed. */
  readonly planned: number
  /** Of those, the ones at which it was. */
  readonly reached: number
  readonly faults: readonly (Fault & { readonly cut: Cut })[]
  /** Of the kills that left something open or owed: from the start of the next command until nothing was. */
  readonly recoveries: readonly Recovery[]
}
/** `service`: the service recovered, not the command. */
export type Recovery = { readonly cut: Cut; readonly service: boolean; readonly ms: number }
export type How = {
  /** undefined: all of them. */
  readonly count: number | undefined
  readonly random: () => number
  readonly lanes: number
  readonly only?: Cut
  readonly tell?: (message: string) => void
}

/**
 * How often a socket is read in vain is chance: a cut that was missed is tried again, at the next
 * number and at the one before.
 */
const shifts = [0, 0, 1, -1, 2, -2]

export async function explore(servers: Servers, scenario: Scenario, how: How): Promise<Explored> {
  await using first = await Lane.open(servers, scenario)
  const all =
    how.only === undefined
      ? planCuts(await first.watch(), first.shop.project.root, scenario.onlyRevoke)
      : [how.only]
  const cuts = how.count === undefined ? all : sampleCuts(all, how.count, how.random)
  const found = {
    kills: 0,
    faults: [] as (Fault & { readonly cut: Cut })[],
    recoveries: [] as Recovery[],
    missed: [] as Cut[],
  }
  // Every second cut is recovered by the service, as a timer would, before the command is called again.
  const queue = cuts.map((cut, index) => ({ cut, service: index % 2 === 1 }))
  const work = async (lane: Lane): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const one = await killAndRecover(lane, next.cut, next.service)
      if (one === undefined) {
        found.missed.push(next.cut)
        continue
      }
      found.kills++
      const { cut } = one
      if (one.ms !== undefined) found.recoveries.push({ cut, service: next.service, ms: one.ms })
      for (const fault of one.faults) {
        found.faults.push({ ...fault, cut })
        how.tell?.(`${scenario.name} --at ${sayCut(cut)}: ${fault.kind}: ${fault.message}`)
      }
    }
  }
  await Promise.all([
    work(first),
    ...Array.from({ length: Math.min(how.lanes, cuts.length) - 1 }, () =>
      withLane(servers, scenario, work),
    ),
  ])
  if (found.missed.length > 0)
    how.tell?.(`${scenario.name}: not reached: ${found.missed.map(sayCut).join(" ")}`)
  return {
    scenario,
    planned: cuts.length,
    reached: found.kills,
    faults: found.faults,
    recoveries: found.recoveries,
  }
}

/**
 * The same cut once more, with nothing beside it: what other load has made is not taken for ours.
 * Undefined where it was not reached, or left nothing to recover.
 */
export async function alone(
  servers: Servers,
  scenario: Scenario,
  { cut, service }: Recovery,
): Promise<Recovered | undefined> {
  await using lane = await Lane.open(servers, scenario)
  return await killAndRecover(lane, cut, service)
}

/** As `--at` takes it: "before:fsync:3:home/state/mycelium/secrets/shop/.production.json.mycelium-draft". */
export function sayCut({ side, call, when, file }: Cut): string {
  return [side, call, when, ...(file === undefined ? [] : [file])].join(":")
}

export function readCut(text: string): Cut {
  const [side, call = "", when, ...file] = text.split(":")
  if (side !== "before" && side !== "after")
    throw new Error(
      `a cut is before:CALL:N or after:CALL:N, with :FILE for the calls about one file; this is ${text}`,
    )
  return { side, call, when: Number(when), ...(file.length === 0 ? {} : { file: file.join(":") }) }
}

/** The cut at which the run was killed in the end; undefined where it could not be. */
async function killAt(lane: Lane, wanted: Cut): Promise<Cut | undefined> {
  for (const shift of wanted.file === undefined ? shifts : [0, 0, 0]) {
    const cut = { ...wanted, when: wanted.when + shift }
    await lane.reset()
    await lane.kill(cut)
    if (isHit(lane.killed, cut)) return cut
  }
  return undefined
}

/** Undefined where it could not be killed there. */
async function killAndRecover(
  lane: Lane,
  wanted: Cut,
  service: boolean,
): Promise<({ readonly cut: Cut } & Recovered) | undefined> {
  const work = async (): Promise<({ readonly cut: Cut } & Recovered) | undefined> => {
    const cut = await killAt(lane, wanted)
    return cut === undefined ? undefined : { cut, ...(await recover(lane, service)) }
  }
  return unlessLate(lane, work, (one) => one === undefined || one.faults.length === 0)
}

type Recovered = { readonly faults: readonly Fault[]; readonly ms: number | undefined }

/**
 * Judges the disk, then calls the service (or not), then the command again. `ms`: from the first
 * call until the state was at rest; undefined where the kill left it so.
 */
async function recover(lane: Lane, service: boolean): Promise<Recovered> {
  const faults = [...(await judgeCut(lane))]
  const middle = await middleOf(lane)
  const rest = restOf(lane)
  const once = service ? await lane.service() : undefined
  if (once !== undefined) faults.push(...(await judgeService(lane, once, middle)))
  // What the service has finished was asked for before; the command that follows is a new one.
  const again = await lane.run()
  const ms = await rest.stop()
  faults.push(...(await judgeRest(lane, again, once === undefined ? middle : await middleOf(lane))))
  return { faults, ms }
}

/**
 * Looks at the state file until nothing is open or owed any more, or the next rotation has begun:
 * between two looks the rest may have come and gone.
 */
function restOf(lane: Lane): { readonly stop: () => Promise<number | undefined> } {
  const began = performance.now()
  if (isAtRest(lane)) return { stop: () => Promise.resolve(undefined) }
  let ended = false
  const cut = openIds(lane)
  const looking = (async () => {
    while (!ended && !isAtRest(lane) && openIds(lane).every((id) => cut.includes(id)))
      await Bun.sleep(5)
    return performance.now() - began
  })()
  return {
    stop: () => {
      ended = true
      return looking
    },
  }
}
