import { columns } from "../../src/cli/columns.ts"
import { type Explored, sayCut } from "./explore.ts"
import type { Fault } from "./judge.ts"
import type { Powered } from "./power/power.ts"
import { impossible } from "./scenarios.ts"

const kinds: readonly Fault["kind"][] = ["lost", "stuck", "double", "wrong"]

type Counted = Pick<Explored, "planned" | "reached" | "faults" | "recoveries">

/** One row a scenario, their sum, and what there is no scenario for. */
export function tableOf(explored: readonly Explored[]): string {
  const head = ["scenario", "planned", "reached", ...kinds, "median", "worst", "what"]
  const rows = explored.map((one) => [one.scenario.name, ...cellsOf(one), one.scenario.says])
  const none = Object.entries(impossible).map(([name, why]) => [name, "–", "–", ...kinds.map(() => "–"), "–", "–", why])
  return columns([head, ...rows, ["all", ...cellsOf(sum(explored)), ""], ...none]).join("\n")
}

function cellsOf({ planned, reached, faults, recoveries }: Counted): readonly string[] {
  // A cut counts once a kind, however much is wrong after it.
  const cuts = (kind: Fault["kind"]): string => String(new Set(faults.filter((fault) => fault.kind === kind).map(({ cut }) => cut)).size)
  return [String(planned), String(reached), ...kinds.map(cuts), ...times(recoveries.map(({ ms }) => ms))]
}

function sum(explored: readonly Explored[]): Counted {
  const total = (key: "planned" | "reached"): number => explored.reduce((all, one) => all + one[key], 0)
  return { planned: total("planned"), reached: total("reached"), faults: explored.flatMap(({ faults }) => faults), recoveries: explored.flatMap(({ recoveries }) => recoveries) }
}

/** The recoveries that took longest, with the cut that makes each again. */
export function slowest(explored: readonly Explored[], count: number): readonly string[] {
  const all = explored.flatMap(({ scenario, recoveries }) => recoveries.map(({ cut, ms }) => ({ name: scenario.name, cut, ms })))
  return all.sort((one, other) => other.ms - one.ms).slice(0, count).map(({ name, cut, ms }) => `${(ms / 1000).toFixed(2)} s after --scenario ${name} --at ${sayCut(cut)}`)
}

/** One row a scenario of the loss of power, and their sum. */
export function powerTableOf(all: readonly Powered[]): string {
  const total = (key: "instants" | "disks" | "recovered"): number => all.reduce((sum, one) => sum + one[key], 0)
  const row = (name: string, one: Pick<Powered, "instants" | "disks" | "recovered" | "unsynced" | "faults">, says: string): readonly string[] => {
    const counts = kinds.map((kind) => String(new Set(one.faults.filter((fault) => fault.kind === kind).map(({ disk }) => disk)).size))
    return [name, String(one.instants), String(one.disks), String(one.recovered), ...counts, String(one.unsynced), says]
  }
  const sum = { instants: total("instants"), disks: total("disks"), recovered: total("recovered"), unsynced: Math.max(0, ...all.map(({ unsynced }) => unsynced)), faults: all.flatMap(({ faults }) => faults) }
  return columns([["scenario", "instants", "disks", "recovered", ...kinds, "unsynced", "what"], ...all.map((one) => row(one.scenario.name, one, one.scenario.says)), row("all", sum, "")]).join("\n")
}

function times(ms: readonly number[]): readonly [string, string] {
  const sorted = [...ms].sort((one, other) => one - other)
  const seconds = (value: number | undefined): string => (value === undefined ? "–" : `${(value / 1000).toFixed(2)} s`)
  return [seconds(sorted[Math.floor(sorted.length / 2)]), seconds(sorted.at(-1))]
}
