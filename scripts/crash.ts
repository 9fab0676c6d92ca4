/**
 * Real kills: the compiled binary against a real PostgreSQL and a real Redis, ended by SIGKILL on entering a system call that strace chooses;
 * no hook in our code. After each cut: does a credential on the disk work? Then the same command again: is everything at
 * rest, rotated once, and as it should be? `bun run crash [--all] [--seed N] [--cuts N] [--scenario NAME] [--at CALL:N] [--lanes N]`.
 */
import { parseArgs } from "node:util"
import { startPostgres } from "../test/support/servers/postgres.ts"
import { startRedis } from "../test/support/servers/redis.ts"
import { randomFrom } from "./crash/cuts.ts"
import { type Explored, explore } from "./crash/explore.ts"
import { scenarios } from "./crash/scenarios.ts"
import { tableOf } from "./crash/table.ts"

const { values } = parseArgs({
  options: { all: { type: "boolean" }, seed: { type: "string" }, cuts: { type: "string" }, scenario: { type: "string", multiple: true }, at: { type: "string" }, lanes: { type: "string" } },
})
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const count = values.all === true ? undefined : Number(values.cuts ?? 10)
const chosen = scenarios.filter(({ name }) => values.scenario === undefined || values.scenario.includes(name))
if (chosen.length === 0) throw new Error(`scenarios: ${scenarios.map(({ name }) => name).join(" ")}`)
const [call, when] = (values.at ?? "").split(":")
const only = call !== undefined && when !== undefined ? { only: { call, when: Number(when) } } : {}
const tell = (says: string): void => void process.stderr.write(`${says}\n`)

tell(`crash: ${values.all === true ? "every cut" : `${count} cuts a scenario, seed ${seed}`}`)
await using postgres = await startPostgres()
await using redis = await startRedis()
const began = performance.now()
const found: Explored[] = []
for (const scenario of chosen) {
  const one = await explore({ postgres, redis }, scenario, { count, random: randomFrom(seed), lanes: Number(values.lanes ?? 2), ...only, tell })
  tell(`crash: ${scenario.name}: ${one.reached} of ${one.planned} cuts, ${one.faults.length} faults`)
  found.push(one)
}
console.log(tableOf(found))
tell(`crash: ${Math.round((performance.now() - began) / 1000)} s, seed ${seed}`)
process.exitCode = found.every(({ faults, reached }) => faults.length === 0 && reached > 0) ? 0 : 1
