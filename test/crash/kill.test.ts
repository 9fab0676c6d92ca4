import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomFrom } from "../../scripts/crash/cuts.ts"
import { explore } from "../../scripts/crash/explore.ts"
import { scenarios } from "../../scripts/crash/scenarios.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type RedisServer, startRedis } from "../support/servers/redis.ts"

/** A small sample of `bun run crash`, other cuts each time: the seed of a failure is in its message. */

const seed = Number(process.env["CRASH_SEED"] ?? Date.now() % 1_000_000)
const cutsEach = 3
const missing = Bun.which("strace") === null
const names = ["generated", "postgres", "two", "pair", "redis", "back", "dated", "adopt", "new", "again"]

let postgres: PostgresServer
let redis: RedisServer
beforeAll(async () => {
  postgres = await startPostgres()
  redis = await startRedis()
})
afterAll(async () => {
  await postgres[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
})

describe.skipIf(missing)(`the binary, killed at system calls${missing ? " (skipped: strace is not installed)" : ""}`, () => {
  test.each(scenarios.filter(({ name }) => names.includes(name)))("loses nothing and comes to rest: $name, $says", async (scenario) => {
    const { faults, reached } = await explore({ postgres, redis }, scenario, { count: cutsEach, random: randomFrom(seed), lanes: 2 })
    const reproduce = `bun run crash --scenario ${scenario.name} --seed ${seed} --cuts ${cutsEach}`
    expect({ reproduce, faults }).toEqual({ reproduce, faults: [] })
    expect(reached).toBeGreaterThan(0)
  }, 120_000)
})
