import type { Project, Ran } from "../../test/support/mycelium.ts"
import { type Cut, isSent, planCuts, sampleCuts } from "./cuts.ts"
import { type Fault, answerTo, judgeRest, middleOf, openIds } from "./judge.ts"
import { Lane, unlessLate } from "./lane.ts"
import { sayCut } from "./explore.ts"
import type { Scenario, Servers } from "./scenarios.ts"

/**
 * A storm of requests to stop: SIGTERM, SIGINT or a closed terminal, once and twice, at the calls
 * at which `crash` kills. Each run must end finished, back, or with exit 7 and the names of the
 * programs that are cut off; none in silence.
 */

export type Stormed = {
  readonly scenario: Scenario
  readonly planned: number
  readonly reached: number
  /** How the runs ended: "0", "7", "143". */
  readonly ends: Readonly<Record<string, number>>
  readonly faults: readonly (Fault & { readonly at: string })[]
}
export type Gust = readonly NodeJS.Signals[]
const gusts: readonly Gust[] = [
  ["SIGTERM"],
  ["SIGTERM", "SIGINT"],
  ["SIGINT"],
  ["SIGINT", "SIGTERM"],
  ["SIGHUP"],
]

export type How = {
  readonly count: number | undefined
  readonly random: () => number
  readonly lanes: number
  readonly tell?: (message: string) => void
}

export async function storm(servers: Servers, scenario: Scenario, how: How): Promise<Stormed> {
  await using first = await Lane.open(servers, scenario)
  const all = planCuts(await first.watch(), first.shop.project.root, scenario.onlyRevoke)
  const points = how.count === undefined ? all : sampleCuts(all, how.count, how.random)
  // Every point with every gust, where all are asked for; a sample has one of them each, another
  // for each seed.
  const turn = Math.floor(how.random() * gusts.length)
  const queue = points.flatMap((cut, index) =>
    (how.count === undefined
      ? gusts
      : [gusts[(index + turn) % gusts.length] ?? ["SIGTERM" as const]]
    ).map((gust) => ({ cut, gust })),
  )
  const found = {
    reached: 0,
    ends: {} as Record<string, number>,
    faults: [] as (Fault & { readonly at: string })[],
  }
  const planned = queue.length
  const work = async (lane: Lane): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { cut, gust } = next
      const one = await unlessLate(lane, () => blow(lane, cut, gust), isFine)
      if (one === undefined) continue
      found.reached++
      found.ends[one.end] = (found.ends[one.end] ?? 0) + 1
      const at = `${sayCut(cut)} ${gust.join("+")}`
      for (const fault of one.faults) {
        found.faults.push({ ...fault, at })
        how.tell?.(`${scenario.name} ${at}: ${fault.kind}: ${fault.message}`)
      }
    }
  }
  const beside = Array.from({ length: Math.min(how.lanes, planned) - 1 }, async () => {
    await using lane = await Lane.open(servers, scenario)
    await work(lane)
  })
  await Promise.all([work(first), ...beside])
  return { scenario, planned, ...found }
}

type Blown = { readonly end: string; readonly faults: readonly Fault[] }

/** Undefined where the run was over before. */
async function blow(lane: Lane, cut: Cut, gust: Gust): Promise<Blown | undefined> {
  await lane.reset()
  const ran = await lane.ask(cut, gust)
  if (!isSent(lane.killed, cut)) return undefined
  const faults = await judgeEnd(lane, ran)
  const middle = await middleOf(lane)
  const rest = await judgeRest(lane, await lane.run(), middle)
  return { end: String(ran.code ?? ran.signal), faults: [...faults, ...rest] }
}

function isFine(one: Blown | undefined): boolean {
  return one === undefined || one.faults.length === 0
}

/** What the run said as it ended, against what is true. */
async function judgeEnd(
  lane: Lane,
  { code, signal, stdout, stderr }: Ran,
): Promise<readonly Fault[]> {
  const faults: Fault[] = []
  const note = (kind: Fault["kind"], message: string): void =>
    void faults.push({ kind, message: `${message}: exit ${code ?? signal}: ${stderr}` })
  if (code === undefined) note("wrong", "ended by the signal, in silence")
  const cut = await isCutOff(lane)
  if (cut && (code !== 7 || !stderr.includes("production/api")))
    note("lost", "the api is cut off, and nobody is told")
  if (!cut && openIds(lane).length > 0 && !/interrupted|cut off/.test(`${stdout}${stderr}`))
    note("wrong", "a rotation is left unfinished in silence")
  if (code !== undefined && code > 128 && stderr.trim() === "")
    note("wrong", "ended at once in silence")
  return faults
}

/** Does the program hold a login that its service refuses? */
async function isCutOff({ shop, scenario }: Lane): Promise<boolean> {
  if (scenario.rest === "deleted" || shop.options.empty === true) return false
  const held = { variable: (key: string) => shop.project.variable(key, "api.loaded") } as Project
  for (const service of shop.services)
    if ((await answerTo(service, service.shown(held))) !== "in") return true
  return false
}

export function stormTableOf(stormed: readonly Stormed[]): string {
  const rows = stormed.map(
    ({ scenario, planned, reached, ends, faults }) =>
      `| ${scenario.name} | ${reached}/${planned} | ${Object.entries(ends)
        .map(([end, times]) => `${end}: ${times}`)
        .join(", ")} | ${faults.length} |`,
  )
  return [
    "| asked to stop while | reached | exit codes | faults |",
    "| --- | --- | --- | --- |",
    ...rows,
  ].join("\n")
}
