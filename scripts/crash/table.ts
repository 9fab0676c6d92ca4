import { cpus } from "node:os"
import { columns } from "../../src/cli/columns.ts"
import { type Explored, type Recovery, sayCut } from "./explore.ts"
import type { Fault } from "./judge.ts"
import type { Powered } from "./power/power.ts"
import { impossible, matrix } from "./scenarios.ts"

const kinds: readonly Fault["kind"][] = ["lost", "stuck", "double", "wrong"]

type Counted = Pick<Explored, "planned" | "reached" | "faults" | "recoveries">

/** A recovery should take no longer (ms). */
export const soonMs = 2000
/**
 * One that did, and what the same cut took with nothing beside it; undefined where it was not
 * reached again.
 */
export type Repeated = {
  readonly name: string
  readonly recovery: Recovery
  readonly ms: number | undefined
}

/**
 * As the manual shows it: what was killed while it did what, reached of planned; below, what that
 * came to. `loads`: of the machine meanwhile.
 */
export function matrixOf(
  explored: readonly Explored[],
  repeated: readonly Repeated[],
  loads: readonly number[],
): string {
  const found = new Map(explored.map((one) => [one.scenario.name, one]))
  // A dash is what cannot be; what was not chosen stays empty.
  const cell = (name: string): string => {
    const one = found.get(name)
    if (one !== undefined) return `${one.reached}/${one.planned}`
    return impossible[name] === undefined ? "" : "–"
  }
  const { kinds: rows, ways } = matrix
  const lines = [
    ["killed while it", ...ways.map(([, title]) => title)],
    Array.from({ length: ways.length + 1 }, () => "---"),
    ...rows.map(([kind, title]) => [title, ...ways.map(([way]) => cell(`${kind}-${way}`))]),
  ]
  const others = explored.filter(
    ({ scenario: { name } }) =>
      !rows.some(([kind]) => ways.some(([way]) => name === `${kind}-${way}`)),
  )
  return [
    ...lines.map((line) => `| ${line.join(" | ")} |`),
    "",
    sumOf(explored, others, repeated),
    `Load meanwhile: ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)} on ` +
      `${cpus().length} cores.`,
  ].join("\n")
}

function sumOf(
  explored: readonly Explored[],
  others: readonly Explored[],
  repeated: readonly Repeated[],
): string {
  const { planned, reached, faults, recoveries } = sum(explored)
  const cuts = (kind: Fault["kind"]): number =>
    new Set(faults.filter((fault) => fault.kind === kind).map(({ cut }) => cut)).size
  const [median, worst] = times(recoveries.map(({ ms }) => ms))
  const beside =
    others.length === 0
      ? ""
      : ", with " +
        `${others.map(({ scenario, reached: hit, planned: all }) => `${hit}/${all} of ${scenario.name}`).join(", ")}`
  const again = repeated.map(({ ms }) => ms).filter((ms) => ms !== undefined)
  const slow =
    repeated.length === 0
      ? "None took over 2 s."
      : `${repeated.length} took over 2 s; ` +
        `repeated alone, ${again.filter((ms) => ms > soonMs).length} of ${again.length} did ` +
        `(${times(again)[1]} at worst).`
  return (
    `${reached} of ${planned} kills${beside}: ${cuts("lost")} lost, ` +
    `${cuts("stuck")} stuck, ${cuts("double")} rotated twice, ` +
    `${cuts("wrong")} wrong. ${recoveries.length} left something to recover: ` +
    `${median} in the median, ${worst} at worst. ${slow}`
  )
}

/** One row a scenario, their sum, and what there is no scenario for. */
export function tableOf(explored: readonly Explored[]): string {
  const head = ["scenario", "planned", "reached", ...kinds, "median", "worst", "what"]
  const rows = explored.map((one) => [one.scenario.name, ...cellsOf(one), one.scenario.message])
  const none = Object.entries(impossible).map(([name, why]) => [
    name,
    "–",
    "–",
    ...kinds.map(() => "–"),
    "–",
    "–",
    why,
  ])
  return columns([head, ...rows, ["all", ...cellsOf(sum(explored)), ""], ...none]).join("\n")
}

function cellsOf({ planned, reached, faults, recoveries }: Counted): readonly string[] {
  // A cut counts once a kind, however much is wrong after it.
  const cuts = (kind: Fault["kind"]): string =>
    String(new Set(faults.filter((fault) => fault.kind === kind).map(({ cut }) => cut)).size)
  return [
    String(planned),
    String(reached),
    ...kinds.map(cuts),
    ...times(recoveries.map(({ ms }) => ms)),
  ]
}

function sum(explored: readonly Explored[]): Counted {
  const total = (key: "planned" | "reached"): number =>
    explored.reduce((all, one) => all + one[key], 0)
  return {
    planned: total("planned"),
    reached: total("reached"),
    faults: explored.flatMap(({ faults }) => faults),
    recoveries: explored.flatMap(({ recoveries }) => recoveries),
  }
}

/** The recoveries that took longest, with the cut that makes each again. */
export function slowest(explored: readonly Explored[], count: number): readonly string[] {
  const all = explored.flatMap(({ scenario, recoveries }) =>
    recoveries.map(({ cut, ms }) => ({ name: scenario.name, cut, ms })),
  )
  return all
    .sort((one, other) => other.ms - one.ms)
    .slice(0, count)
    .map(
      ({ name, cut, ms }) =>
        `${(ms / 1000).toFixed(2)} s after --scenario ${name} --at ${sayCut(cut)}`,
    )
}

/** One row a scenario of the loss of power, and their sum. */
export function powerTableOf(all: readonly Powered[]): string {
  const total = (key: "instants" | "disks" | "recovered"): number =>
    all.reduce((sum, one) => sum + one[key], 0)
  const row = (
    name: string,
    one: Pick<Powered, "instants" | "disks" | "recovered" | "unsynced" | "faults">,
    message: string,
  ): readonly string[] => {
    const counts = kinds.map((kind) =>
      String(
        new Set(one.faults.filter((fault) => fault.kind === kind).map(({ disk }) => disk)).size,
      ),
    )
    return [
      name,
      String(one.instants),
      String(one.disks),
      String(one.recovered),
      ...counts,
      String(one.unsynced),
      message,
    ]
  }
  const sum = {
    instants: total("instants"),
    disks: total("disks"),
    recovered: total("recovered"),
    unsynced: Math.max(0, ...all.map(({ unsynced }) => unsynced)),
    faults: all.flatMap(({ faults }) => faults),
  }
  return columns([
    ["scenario", "instants", "disks", "recovered", ...kinds, "unsynced", "what"],
    ...all.map((one) => row(one.scenario.name, one, one.scenario.message)),
    row("all", sum, ""),
  ]).join("\n")
}

function times(ms: readonly number[]): readonly [string, string] {
  const sorted = [...ms].sort((one, other) => one - other)
  const seconds = (value: number | undefined): string =>
    value === undefined ? "–" : `${(value / 1000).toFixed(2)} s`
  return [seconds(sorted[Math.floor(sorted.length / 2)]), seconds(sorted.at(-1))]
}
