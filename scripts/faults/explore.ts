import { Lane, unlessLate, withLane } from "../crash/lane.ts"
import type { Scenario, Servers } from "../crash/scenarios.ts"
import { beforeOf, judgeFailed, judgeHealed } from "./judge.ts"
import { type Injection, injectable, pathsOf, planInjections, sayInjection } from "./plan.ts"

export type Explored = {
  readonly scenario: Scenario
  readonly planned: number
  /** The call was made, and answered with the error. */
  readonly reached: number
  /** What the command ended with, and how often. */
  readonly exits: Readonly<Record<string, number>>
  readonly faults: readonly { readonly injection: string; readonly message: string }[]
}
export type How = {
  readonly choose: (all: readonly Injection[]) => readonly Injection[]
  readonly lanes: number
  readonly tell?: (message: string) => void
}

/**
 * One command again and again, each time with another call of its machine that fails; then once
 * more without.
 */
export async function explore(servers: Servers, scenario: Scenario, how: How): Promise<Explored> {
  await using first = await Lane.open(servers, scenario)
  await first.run(["--seccomp-bpf", "-e", `trace=${[...injectable, "clone", "clone3"].join(",")}`])
  const calls = first.calls()
  // Its folders are those of the first lane: each lane has the same files elsewhere.
  const queue = [...how.choose(planInjections(calls, pathsOf(first.shop)))]
  const planned = queue.length
  const found = {
    reached: 0,
    exits: {} as Record<string, number>,
    faults: [] as { injection: string; message: string }[],
  }
  const work = async (lane: Lane): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const injection = {
        ...next,
        path: next.path.replace(first.shop.project.root, lane.shop.project.root),
      }
      const failed = await unlessLate(lane, () => fail(lane, injection), isFine)
      if (failed === undefined) continue
      found.reached++
      found.exits[failed.exit] = (found.exits[failed.exit] ?? 0) + 1
      for (const message of failed.faults) {
        const one = { injection: sayInjection(injection, lane.shop), message }
        found.faults.push(one)
        how.tell?.(`${scenario.name} ${one.injection}: ${message}`)
      }
    }
  }
  await Promise.all([
    work(first),
    ...Array.from({ length: how.lanes - 1 }, () => withLane(servers, scenario, work)),
  ])
  return { scenario, planned, ...found }
}

type Failed = { readonly exit: string; readonly faults: readonly string[] }

/** The command with this call failing, then without. Undefined where the call was not made. */
async function fail(
  lane: Lane,
  { call, path, error, when }: Injection,
): Promise<Failed | undefined> {
  await lane.reset()
  const before = await beforeOf(lane)
  const inject = `inject=${call}:error=${error}:when=${when}`
  const ran = await lane.run(["--seccomp-bpf", "-P", path, "-e", `trace=${call}`, "-e", inject])
  if (!lane.calls().some(({ result }) => result?.includes("INJECTED") === true)) return undefined
  const faults = await judgeFailed(lane, ran, before)
  const healed = await judgeHealed(lane)
  return { exit: String(ran.code ?? ran.signal), faults: [...faults, ...healed] }
}

function isFine(failed: Failed | undefined): boolean {
  return failed === undefined || failed.faults.length === 0
}
