import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { randomFrom } from "../../scripts/crash/cuts.ts"
import { explore } from "../../scripts/faults/explore.ts"
import { sample } from "../../scripts/faults/sample.ts"
import { scenarios } from "../../scripts/faults/scenarios.ts"
import { newIdentity } from "../../src/core/seal.ts"
import { expectRefused } from "../cli/refused.ts"
import { throwFaults } from "../../scripts/crash/say-faults.ts"
import { startServers } from "../../scripts/crash/servers.ts"
import { openShop } from "../support/shop.ts"
import { cannotTrace, skippedUntraced } from "../support/tracing.ts"

/** A small sample of `bun run faults`, other ones each time: the seed of a failure is in its message. */

const seed = Number(process.env["FAULTS_SEED"] ?? Date.now() % 1_000_000)
const each = 4
const names = ["role-forward", "role-back", "again", "role-adopt", "render", "reconcile"]

let servers: Awaited<ReturnType<typeof startServers>>
beforeAll(async () => {
  servers = await startServers()
}, 240_000)
afterAll(async () => {
  await servers[Symbol.asyncDispose]()
})

describe.skipIf(cannotTrace !== undefined)(
  `the binary, whose system calls fail${skippedUntraced}`,
  () => {
    test.each(scenarios.filter(({ name }) => names.includes(name)))(
      "says why, loses nothing and comes to rest: $name, $message",
      async (scenario) => {
        const random = randomFrom(seed)
        const { faults, reached } = await explore(servers, scenario, {
          choose: (all) => sample(all, each, random),
          lanes: 2,
        })
        const reproduce = `bun run faults --scenario ${scenario.name} --seed ${seed} --count ${each}`
        throwFaults(
          reproduce,
          faults.map(({ injection, message }) => ({ kind: "fault", message, at: injection })),
        )
        expect(reached).toBeGreaterThan(0)
      },
      600_000,
    )
  },
)

test("another identity than the one that sealed opens nothing, and nothing is made anew", async () => {
  await using shop = await openShop(servers.postgres)
  await shop.adopt()
  const { identityFile } = shop.project
  const own = readFileSync(identityFile)
  writeFileSync(identityFile, `${await newIdentity()}\n`)
  for (const args of [
    ["rotate-now", "production"],
    ["adopt", "production"],
    ["render", "production"],
    ["reconcile", "production"],
    ["run", "--once"],
  ]) {
    const { stderr } = await expectRefused(shop, args, {
      code: 7,
      message: "keys.age cannot be opened with this identity",
    })
    expect(stderr).toContain("hint: ")
  }
  writeFileSync(identityFile, own)
  expect((await shop.run("rotate-now", "production")).code).toBe(0)
}, 60_000)
