/**
 * Real kills: the compiled binary against real servers, ended by SIGKILL before or after a system
 * call that strace holds up; no hook in our code. After each cut: does a credential on the disk
 * work? Then the same command again: is everything at rest, rotated once, and as it should be? A
 * recovery of over 2 s is repeated alone, and both are printed. `bun run crash [--power [--kills N]
 * | --storm] [--all] [--seed N] [--cuts N] [--scenario NAME] [--at CUT] [--lanes N]`; `--list`
 * names the scenarios.
 */
import { loadavg } from "node:os"
import { startServers } from "./crash/servers.ts"
import { randomFrom } from "./crash/cuts.ts"
import { alone, type Explored, explore, readCut, sayCut } from "./crash/explore.ts"
import { type Powered, losePower } from "./crash/power/power.ts"
import { type Stormed, storm, stormTableOf } from "./crash/storm.ts"
import { fresh, scenarios } from "./crash/scenarios.ts"
import { matrixOf, powerTableOf, type Repeated, slowest, soonMs, tableOf } from "./crash/table.ts"
import { optionsOf } from "./usage.ts"

const { values } = optionsOf(
  "bun scripts/crash.ts [--power [--kills N] | --storm] [--all] [--seed N] [--cuts N] " +
    "[--scenario NAME] [--at CUT] [--lanes N] [--list]",
  {
    kills: { type: "string" },
    power: { type: "boolean" },
    storm: { type: "boolean" },
    all: { type: "boolean" },
    seed: { type: "string" },
    cuts: { type: "string" },
    scenario: { type: "string", multiple: true },
    at: { type: "string" },
    lanes: { type: "string" },
    list: { type: "boolean" },
  },
)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const count = values.all === true ? undefined : Number(values.cuts ?? 10)
const known =
  values.power === true
    ? [...scenarios, ...fresh].filter(({ onlyRevoke }) => onlyRevoke !== true)
    : scenarios
const chosen = known.filter(
  ({ name }) =>
    values.scenario === undefined ||
    values.scenario.some((part) => name === part || name.startsWith(`${part}-`)),
)
if (values.list === true) {
  for (const { name, message } of known) console.log(`${name.padEnd(20)}${message}`)
  process.exit(0)
}
if (chosen.length === 0) throw new Error(`scenarios: ${known.map(({ name }) => name).join(" ")}`)
const only = values.at === undefined ? {} : { only: readCut(values.at) }
const tell = (message: string): void => void process.stderr.write(`${message}\n`)

tell(`crash: ${values.all === true ? "every cut" : `${count} cuts a scenario, seed ${seed}`}`)
await using servers = await startServers()
const began = performance.now()
if (values.power === true) process.exitCode = await power()
else process.exitCode = await (values.storm === true ? storms() : kills())
tell(`crash: ${Math.round((performance.now() - began) / 1000)} s, seed ${seed}`)

async function kills(): Promise<number> {
  const found: Explored[] = []
  const loads = [loadavg()[0] ?? 0]
  for (const scenario of chosen) {
    const one = await explore(servers, scenario, {
      count,
      random: randomFrom(seed),
      lanes: Number(values.lanes ?? 2),
      ...only,
      tell,
    })
    tell(
      `crash: ${scenario.name}: ${one.reached} of ${one.planned} cuts, ` +
        `${one.faults.length} faults, ${Math.round((performance.now() - began) / 1000)} s`,
    )
    found.push(one)
    loads.push(loadavg()[0] ?? 0)
  }
  const repeated: Repeated[] = []
  for (const [index, { scenario, recoveries }] of found.entries()) {
    for (const recovery of recoveries.filter(({ ms }) => ms > soonMs)) {
      const again = await alone(servers, scenario, recovery)
      const faults = (again?.faults ?? []).map((fault) => ({ ...fault, cut: recovery.cut }))
      for (const { kind, message } of faults)
        tell(`${scenario.name} --at ${sayCut(recovery.cut)}: ${kind}: ${message}`)
      repeated.push({ name: scenario.name, recovery, ms: again?.ms })
      tell(
        `crash: ${(recovery.ms / 1000).toFixed(2)} s, ` +
          `alone ${again?.ms === undefined ? "not reached" : `${(again.ms / 1000).toFixed(2)} s`}: ` +
          `--scenario ${scenario.name} --at ${sayCut(recovery.cut)}`,
      )
      const one = found[index]
      if (one !== undefined) found[index] = { ...one, faults: [...one.faults, ...faults] }
    }
  }
  console.log(`${tableOf(found)}\n\n${matrixOf(found, repeated, loads)}`)
  for (const line of slowest(found, 3)) tell(`crash: slowest: ${line}`)
  return found.every(({ faults, reached }) => faults.length === 0 && reached > 0) ? 0 : 1
}

async function storms(): Promise<number> {
  const found: Stormed[] = []
  for (const scenario of chosen) {
    const one = await storm(servers, scenario, {
      count,
      random: randomFrom(seed),
      lanes: Number(values.lanes ?? 2),
      tell,
    })
    tell(
      `crash: ${scenario.name}: ${one.reached} of ${one.planned} requests to stop, ` +
        `${one.faults.length} faults, ${Math.round((performance.now() - began) / 1000)} s`,
    )
    found.push(one)
  }
  console.log(stormTableOf(found))
  return found.every(({ faults, reached }) => faults.length === 0 && reached > 0) ? 0 : 1
}

async function power(): Promise<number> {
  const found: Powered[] = []
  for (const scenario of chosen) {
    const one = await losePower(servers, scenario, {
      count,
      kills: Number(values.kills ?? 2),
      random: randomFrom(seed),
      tell,
    })
    tell(
      `crash: ${scenario.name}: ${one.disks} disks at ${one.instants} instants, ` +
        `${one.recovered} recovered, told ${toldOf(one)}, ${one.faults.length} faults, ` +
        `${Math.round((performance.now() - began) / 1000)} s`,
    )
    found.push(one)
  }
  console.log(powerTableOf(found))
  return found.every(({ faults, disks }) => faults.length === 0 && disks > 0) ? 0 : 1
}

function toldOf({ told }: Powered): string {
  const all = Object.entries(told).map(([name, times]) => `${name} ${times} times`)
  return all.length === 0 ? "no service" : all.join(", ")
}
