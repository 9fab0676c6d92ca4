/**
 * Real kills: the compiled binary against real servers, ended by SIGKILL before or after a system call that
 * strace holds up; no hook in our code. After each cut: does a credential on the disk work? Then the same command again: is everything at
 * rest, rotated once, and as it should be? `bun run crash [--all] [--seed N] [--cuts N] [--scenario NAME] [--at CUT] [--lanes N]`.
 */
import { parseArgs } from "node:util"
import { KeyService } from "../test/plugins/drivers/exec/key-service.ts"
import { startPostgres } from "../test/support/servers/postgres.ts"
import { startRedis } from "../test/support/servers/redis.ts"
import { randomFrom } from "./crash/cuts.ts"
import { type Explored, explore, readCut } from "./crash/explore.ts"
import { scenarios } from "./crash/scenarios.ts"
import { slowest, tableOf } from "./crash/table.ts"

const { values } = parseArgs({
  options: { all: { type: "boolean" }, seed: { type: "string" }, cuts: { type: "string" }, scenario: { type: "string", multiple: true }, at: { type: "string" }, lanes: { type: "string" } },
})
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const count = values.all === true ? undefined : Number(values.cuts ?? 10)
const chosen = scenarios.filter(({ name }) => values.scenario === undefined || values.scenario.some((part) => name === part || name.startsWith(`${part}-`)))
if (chosen.length === 0) throw new Error(`scenarios: ${scenarios.map(({ name }) => name).join(" ")}`)
const only = values.at === undefined ? {} : { only: readCut(values.at) }
const tell = (says: string): void => void process.stderr.write(`${says}\n`)

tell(`crash: ${values.all === true ? "every cut" : `${count} cuts a scenario, seed ${seed}`}`)
await using postgres = await startPostgres()
await using redis = await startRedis()
await using keys = await KeyService.start(2)
const began = performance.now()
const found: Explored[] = []
for (const scenario of chosen) {
  const one = await explore({ postgres, redis, keys }, scenario, { count, random: randomFrom(seed), lanes: Number(values.lanes ?? 2), ...only, tell })
  tell(`crash: ${scenario.name}: ${one.reached} of ${one.planned} cuts, ${one.faults.length} faults, ${Math.round((performance.now() - began) / 1000)} s`)
  found.push(one)
}
console.log(tableOf(found))
for (const line of slowest(found, 3)) tell(`crash: slowest: ${line}`)
tell(`crash: ${Math.round((performance.now() - began) / 1000)} s, seed ${seed}`)
process.exitCode = found.every(({ faults, reached }) => faults.length === 0 && reached > 0) ? 0 : 1
