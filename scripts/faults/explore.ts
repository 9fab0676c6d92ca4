import { Lane, withLane } from "../crash/lane.ts"
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
      await lane.reset()
      const before = await beforeOf(lane)
      const ran = await lane.run([
        "--seccomp-bpf",
        "-P",
        injection.path,
        "-e",
        `trace=${injection.call}`,
        "-e",
        `inject=${injection.call}:error=${injection.error}:when=${injection.when}`,
      ])
      if (!lane.calls().some(({ result }) => result?.includes("INJECTED") === true)) continue
      found.reached++
      found.exits[String(ran.code ?? ran.signal)] =
        (found.exits[String(ran.code ?? ran.signal)] ?? 0) + 1
      for (const message of [
        ...(await judgeFailed(lane, ran, before)),
        ...(await judgeHealed(lane)),
      ]) {
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
