import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomFrom } from "../../scripts/crash/cuts.ts"
import { explore } from "../../scripts/crash/explore.ts"
import { scenarios } from "../../scripts/crash/scenarios.ts"
import { KeyService } from "../plugins/drivers/exec/key-service.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type RedisServer, startRedis } from "../support/servers/redis.ts"
import { cannotTrace, skippedUntraced } from "../support/tracing.ts"

/** A small sample of `bun run crash`, other cuts each time: the seed of a failure is in its message. */

const seed = Number(process.env["CRASH_SEED"] ?? Date.now() % 1_000_000)
const cutsEach = 3
/** Other scenarios each time, too: a third of them. */
const sample = scenarios.filter((_, index) => index % 3 === seed % 3)

let postgres: PostgresServer
let redis: RedisServer
let keys: KeyService
beforeAll(async () => {
  postgres = await startPostgres()
  redis = await startRedis()
  keys = await KeyService.start(2)
})
afterAll(async () => {
  await postgres[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
  await keys[Symbol.asyncDispose]()
})

describe.skipIf(cannotTrace !== undefined)(
  `the binary, killed at system calls${skippedUntraced}`,
  () => {
    test.each(sample)(
      "loses nothing and comes to rest: $name, $says",
      async (scenario) => {
        const { faults, reached } = await explore({ postgres, redis, keys }, scenario, {
          count: cutsEach,
          random: randomFrom(seed),
          lanes: 2,
        })
        const reproduce = `bun run crash --scenario ${scenario.name} --seed ${seed} --cuts ${cutsEach}`
        expect({ reproduce, faults }).toEqual({ reproduce, faults: [] })
        expect(reached).toBeGreaterThan(0)
      },
      120_000,
    )
  },
)
