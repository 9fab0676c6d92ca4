/**
 * Real kills: the compiled binary against real servers, ended by SIGKILL before or after a system call that
 * strace holds up; no hook in our code. After each cut: does a credential on the disk work? Then the same command again: is everything at
 * rest, rotated once, and as it should be? `bun run crash [--power [--kills N]] [--all] [--seed N] [--cuts N] [--scenario NAME] [--at CUT] [--lanes N]`.
 */
import { parseArgs } from "node:util"
import { KeyService } from "../test/plugins/drivers/exec/key-service.ts"
import { startPostgres } from "../test/support/servers/postgres.ts"
import { startRedis } from "../test/support/servers/redis.ts"
import { randomFrom } from "./crash/cuts.ts"
import { type Explored, explore, readCut } from "./crash/explore.ts"
import { type Powered, losePower } from "./crash/power/power.ts"
import { fresh, scenarios } from "./crash/scenarios.ts"
import { powerTableOf, slowest, tableOf } from "./crash/table.ts"

const { values } = parseArgs({
  options: { kills: { type: "string" }, power: { type: "boolean" }, all: { type: "boolean" }, seed: { type: "string" }, cuts: { type: "string" }, scenario: { type: "string", multiple: true }, at: { type: "string" }, lanes: { type: "string" } },
})
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const count = values.all === true ? undefined : Number(values.cuts ?? 10)
const known = values.power === true ? [...scenarios, ...fresh].filter(({ onlyRevoke }) => onlyRevoke !== true) : scenarios
const chosen = known.filter(({ name }) => values.scenario === undefined || values.scenario.some((part) => name === part || name.startsWith(`${part}-`)))
if (chosen.length === 0) throw new Error(`scenarios: ${known.map(({ name }) => name).join(" ")}`)
const only = values.at === undefined ? {} : { only: readCut(values.at) }
const tell = (says: string): void => void process.stderr.write(`${says}\n`)

tell(`crash: ${values.all === true ? "every cut" : `${count} cuts a scenario, seed ${seed}`}`)
await using postgres = await startPostgres()
await using redis = await startRedis()
await using keys = await KeyService.start(2)
const servers = { postgres, redis, keys }
const began = performance.now()
process.exitCode = values.power === true ? await power() : await kills()
tell(`crash: ${Math.round((performance.now() - began) / 1000)} s, seed ${seed}`)

async function kills(): Promise<number> {
  const found: Explored[] = []
  for (const scenario of chosen) {
    const one = await explore(servers, scenario, { count, random: randomFrom(seed), lanes: Number(values.lanes ?? 2), ...only, tell })
    tell(`crash: ${scenario.name}: ${one.reached} of ${one.planned} cuts, ${one.faults.length} faults, ${Math.round((performance.now() - began) / 1000)} s`)
    found.push(one)
  }
  console.log(tableOf(found))
  for (const line of slowest(found, 3)) tell(`crash: slowest: ${line}`)
  return found.every(({ faults, reached }) => faults.length === 0 && reached > 0) ? 0 : 1
}

async function power(): Promise<number> {
  const found: Powered[] = []
  for (const scenario of chosen) {
    const one = await losePower(servers, scenario, { count, kills: Number(values.kills ?? 2), random: randomFrom(seed), tell })
    tell(`crash: ${scenario.name}: ${one.disks} disks at ${one.instants} instants, ${one.recovered} recovered, ${one.faults.length} faults`)
    found.push(one)
  }
  console.log(powerTableOf(found))
  return found.every(({ faults, disks }) => faults.length === 0 && disks > 0) ? 0 : 1
}
