import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomFrom } from "../../scripts/crash/cuts.ts"
import { scenarios } from "../../scripts/crash/scenarios.ts"
import { storm } from "../../scripts/crash/storm.ts"
import { throwFaults } from "../../scripts/crash/say-faults.ts"
import { startServers } from "../../scripts/crash/servers.ts"

/**
 * A small sample of `bun run crash --storm`, other instants and signals each time: the seed of a
 * failure is in its message.
 */

const seed = Number(process.env["CRASH_SEED"] ?? Date.now() % 1_000_000)
const pointsEach = 3
/** Where one value lives, forward and back; and one of the others each time. */
const always = ["role-forward", "admin-back"]
const others = scenarios.filter(({ name }) => !always.includes(name))
const sample = scenarios.filter(
  ({ name }) => always.includes(name) || name === others[seed % others.length]?.name,
)
const missing = Bun.which("strace") === null

let servers: Awaited<ReturnType<typeof startServers>>
beforeAll(async () => {
  servers = await startServers()
}, 240_000)
afterAll(async () => {
  await servers[Symbol.asyncDispose]()
})

describe.skipIf(missing)(
  `the binary, asked to stop at system calls${missing ? " (skipped: strace is not installed)" : ""}`,
  () => {
    test.each(sample)(
      "ends finished, back, or with exit 7 and the names: $name, $message",
      async (scenario) => {
        const { faults, reached } = await storm(servers, scenario, {
          count: pointsEach,
          random: randomFrom(seed),
          lanes: 2,
        })
        const reproduce =
          `bun run crash --storm --scenario ${scenario.name} --seed ${seed} --cuts ` +
          `${pointsEach}`
        throwFaults(reproduce, faults)
        expect(reached).toBeGreaterThan(0)
      },
      600_000,
    )
  },
)
