import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomFrom } from "../../scripts/crash/cuts.ts"
import { losePower } from "../../scripts/crash/power/power.ts"
import { fresh, type Scenario, scenarios } from "../../scripts/crash/scenarios.ts"
import { throwFaults } from "../../scripts/crash/say-faults.ts"
import { startServers } from "../../scripts/crash/servers.ts"
import { whyNoOpenBao } from "../support/servers/openbao.ts"
import { cannotTrace, skippedUntraced } from "../support/tracing.ts"

/**
 * A small sample of `bun run crash --power`. SIGKILL does not test fsync, for the page cache
 * survives it: here every disk is built that a loss of power may leave. Other scenarios and disks
 * each time: the seed of a failure is in its message.
 */

const seed = Number(process.env["CRASH_SEED"] ?? Date.now() % 1_000_000)
const noEntries = await whyNoOpenBao()
const rotating = scenarios.filter(
  ({ onlyRevoke, name }) =>
    onlyRevoke !== true &&
    name !== "role-forward" &&
    (noEntries === undefined || !name.startsWith("entry-")),
)
/** Always: a store that was made a moment ago, and the plainest rotation, killed first. */
const sample = [
  ...fresh,
  ...scenarios.filter(({ name }) => name === "role-forward"),
  ...rotating.filter((_, index) => index % 16 === seed % 16),
]

let servers: Awaited<ReturnType<typeof startServers>>
beforeAll(async () => {
  if (cannotTrace !== undefined) return
  servers = await startServers()
}, 240_000)
afterAll(async () => {
  if (cannotTrace !== undefined) return
  await servers[Symbol.asyncDispose]()
})

describe.skipIf(cannotTrace !== undefined)(`the power goes${skippedUntraced}`, () => {
  test.each(sample)(
    "at any instant, nothing is lost: $name, $message",
    async (scenario) => {
      const how = { count: 3, kills: 1, random: randomFrom(seed) }
      const { faults, instants, told } = await losePower(servers, scenario, how)
      const reproduce =
        `bun run crash --power --scenario ${scenario.name} --seed ${seed} --cuts ${how.count} ` +
        `--kills ${how.kills}`
      throwFaults(
        reproduce,
        faults.map((fault) => ({ ...fault, at: fault.disk })),
      )
      // An order that was not seen would be laid out as if it had never been given.
      const silent = Object.keys(told).filter((name) => told[name] === 0)
      expect(silent).toEqual([...silentIn(scenario, Object.keys(told))])
      expect(instants).toBeGreaterThan(20)
    },
    600_000,
  )
})

/** Those that the recorded run has nothing to tell. */
function silentIn({ name, rest }: Scenario, all: readonly string[]): readonly string[] {
  if (rest === "adopted") return all
  // The run that was killed before has told the role its password.
  return name === "again" ? ["postgres"] : []
}
