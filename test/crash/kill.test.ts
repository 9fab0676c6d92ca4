import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomFrom } from "../../scripts/crash/cuts.ts"
import { explore, sayCut } from "../../scripts/crash/explore.ts"
import { scenarios } from "../../scripts/crash/scenarios.ts"
import { throwFaults } from "../../scripts/crash/say-faults.ts"
import { startServers } from "../../scripts/crash/servers.ts"
import { whyNoOpenBao } from "../support/servers/openbao.ts"
import { cannotTrace, skippedUntraced } from "../support/tracing.ts"

/** A small sample of `bun run crash`, other cuts each time: the seed of a failure is in its message. */

const seed = Number(process.env["CRASH_SEED"] ?? Date.now() % 1_000_000)
const cutsEach = 3
/** Other scenarios each time, too: a third of them. */
const noEntries = await whyNoOpenBao()
const sample = scenarios.filter(
  ({ name }, index) =>
    index % 3 === seed % 3 && (noEntries === undefined || !name.startsWith("entry-")),
)

let servers: Awaited<ReturnType<typeof startServers>>
beforeAll(async () => {
  servers = await startServers()
}, 240_000)
afterAll(async () => {
  await servers[Symbol.asyncDispose]()
})

describe.skipIf(cannotTrace !== undefined)(
  `the binary, killed at system calls${skippedUntraced}`,
  () => {
    test.each(sample)(
      "loses nothing and comes to rest: $name, $message",
      async (scenario) => {
        const { faults, reached } = await explore(servers, scenario, {
          count: cutsEach,
          random: randomFrom(seed),
          lanes: 2,
        })
        const reproduce = `bun run crash --scenario ${scenario.name} --seed ${seed} --cuts ${cutsEach}`
        throwFaults(
          reproduce,
          faults.map((fault) => ({ ...fault, at: sayCut(fault.cut) })),
        )
        expect(reached).toBeGreaterThan(0)
      },
      600_000,
    )
  },
)
