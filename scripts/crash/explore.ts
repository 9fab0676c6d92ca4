import { type Call, threadsOf } from "../../test/support/strace.ts"
import { type Cut, isMark, planCuts, sampleCuts } from "./cuts.ts"
import { type Fault, judgeCut, judgeRest, judgeService, middleOf } from "./judge.ts"
import { Lane, type Servers } from "./lane.ts"
import type { Scenario } from "./scenarios.ts"

export type Explored = {
  readonly scenario: Scenario
  readonly planned: number
  /** The process was killed there; elsewhere the cut hit a hook, or that call was not made so often this time. */
  readonly reached: number
  /** Between how many different pairs of acts a cut fell, of how many. */
  readonly instants: { readonly hit: number; readonly all: number }
  readonly faults: readonly (Fault & { readonly cut: Cut })[]
  /** From the second call to its end. */
  readonly recoveryMs: readonly number[]
}
export type How = {
  /** undefined: all of them. */
  readonly count: number | undefined
  readonly random: () => number
  readonly lanes: number
  readonly only?: Cut
  readonly tell?: (says: string) => void
}

export async function explore(servers: Servers, scenario: Scenario, how: How): Promise<Explored> {
  await using first = await Lane.open(servers, scenario)
  const calls = await first.watch()
  const all = how.only === undefined ? planCuts(calls, scenario.afterWrites) : [how.only]
  const cuts = how.count === undefined ? all : sampleCuts(all, how.count, how.random)
  const found = { reached: 0, hit: new Set<number>(), faults: [] as (Fault & { readonly cut: Cut })[], recoveryMs: [] as number[] }
  // Every second cut is recovered by the service, as a timer would, before the command is called again.
  const queue = cuts.map((cut, index) => ({ cut, service: index % 2 === 1 }))
  const work = async (lane: Lane): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { cut } = next
      const one = await tryCut(lane, cut, next.service)
      if (one.reached) found.reached++
      if (one.reached) found.hit.add(one.instant)
      if (one.reached) found.recoveryMs.push(one.recoveryMs)
      for (const fault of one.faults) {
        found.faults.push({ ...fault, cut })
        how.tell?.(`${scenario.name} ${cut.call}:${cut.when}: ${fault.kind}: ${fault.says}`)
      }
    }
  }
  await Promise.all([work(first), ...Array.from({ length: how.lanes - 1 }, () => withLane(servers, scenario, work))])
  const { reached, hit, faults, recoveryMs } = found
  return { scenario, planned: cuts.length, reached, instants: { hit: hit.size, all: marksOf(calls) + 1 }, faults, recoveryMs }
}

async function withLane(servers: Servers, scenario: Scenario, work: (lane: Lane) => Promise<void>): Promise<void> {
  await using lane = await Lane.open(servers, scenario)
  await work(lane)
}

async function tryCut(lane: Lane, cut: Cut, service: boolean): Promise<{ readonly reached: boolean; readonly instant: number; readonly faults: readonly Fault[]; readonly recoveryMs: number }> {
  await lane.reset()
  const { signal } = await lane.kill(cut)
  const reached = signal === "SIGKILL"
  const instant = marksOf(lane.calls())
  const faults = [...(await judgeCut(lane))]
  const middle = await middleOf(lane)
  const once = service ? await lane.shop.run("run", "--once", "--json") : undefined
  if (once !== undefined) faults.push(...(await judgeService(lane, once, middle)))
  // What the service has finished was asked for before; the command that follows is a new one.
  const again = await lane.run()
  faults.push(...(await judgeRest(lane, again, once === undefined ? middle : await middleOf(lane))))
  return { reached, instant, faults, recoveryMs: (once ?? again).ms }
}

function marksOf(calls: readonly Call[]): number {
  const threads = threadsOf(calls)
  return calls.filter((call) => threads.has(call.pid) && isMark(call)).length
}
