import { columns } from "../../src/cli/columns.ts"
import type { Explored } from "./explore.ts"
import type { Fault } from "./judge.ts"

const kinds: readonly Fault["kind"][] = ["lost", "stuck", "double", "wrong"]

/** One row a scenario, and their sum. */
export function tableOf(explored: readonly Explored[]): string {
  const head = ["scenario", "planned", "reached", "instants", ...kinds, "median", "worst", "what"]
  const rows = explored.map((one) => rowOf(one))
  const all = sum(explored)
  return columns([head, ...rows, ["all", String(all.planned), String(all.reached), "", ...kinds.map((kind) => String(all.faults.filter((fault) => fault.kind === kind).length)), ...times(all.recoveryMs), ""]]).join("\n")
}

function rowOf({ scenario, planned, reached, instants, faults, recoveryMs }: Explored): readonly string[] {
  // A cut counts once a kind, however much is wrong after it.
  const cuts = (kind: Fault["kind"]): string => String(new Set(faults.filter((fault) => fault.kind === kind).map(({ cut }) => `${cut.call}:${cut.when}`)).size)
  return [scenario.name, String(planned), String(reached), `${instants.hit}/${instants.all}`, ...kinds.map(cuts), ...times(recoveryMs), scenario.says]
}

function sum(explored: readonly Explored[]): Pick<Explored, "planned" | "reached" | "faults" | "recoveryMs"> {
  return {
    planned: explored.reduce((total, { planned }) => total + planned, 0),
    reached: explored.reduce((total, { reached }) => total + reached, 0),
    faults: explored.flatMap(({ faults }) => faults),
    recoveryMs: explored.flatMap(({ recoveryMs }) => recoveryMs),
  }
}

function times(ms: readonly number[]): readonly [string, string] {
  const sorted = [...ms].sort((one, other) => one - other)
  const seconds = (value: number | undefined): string => (value === undefined ? "–" : `${(value / 1000).toFixed(2)} s`)
  return [seconds(sorted[Math.floor(sorted.length / 2)]), seconds(sorted.at(-1))]
}
