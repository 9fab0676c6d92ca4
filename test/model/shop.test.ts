import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import fc from "fast-check"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"
import { cannotTrace } from "../support/tracing.ts"
import {
  Adopt,
  Backup,
  Change,
  Delete,
  FailOrHeal,
  First,
  Killed,
  type Real,
  Recover,
  Restore,
  Rotate,
  PutBack,
  atFirst,
  settle,
} from "./shop-model.ts"

/**
 * Whatever people, machines and accidents do in whatever order, against the compiled binary and a
 * real server: a small model says what each step may and must do. A failure is shrunk; MODEL_SEED
 * repeats it, MODEL_RUNS tries more.
 */

const seed = Number(process.env["MODEL_SEED"] ?? Date.now() % 1_000_000_000)
const numRuns = Number(process.env["MODEL_RUNS"] ?? 5)

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

const kills = fc
  .record({
    call: fc.constantFrom("fsync", "rename", "sendto", "vfork", "unlink", "recvfrom", "write"),
    when: fc.integer({ min: 1, max: 12 }),
  })
  .map(({ call, when }) => new Killed(call, when))
const steps = [
  fc.constant(new Rotate()),
  ...(cannotTrace !== undefined ? [] : [kills, kills, kills]),
  fc.constant(new Recover()),
  fc.constant(new FailOrHeal()),
  fc.constant(new Change()),
  fc.constant(new PutBack()),
  fc.constant(new Adopt()),
  fc.constant(new Delete()),
  fc.constant(new First()),
  fc.constant(new Backup()),
  fc.constant(new Restore()),
]

describe(`random sequences of commands and accidents${cannotTrace === undefined ? "" : ` (without kills: ${cannotTrace})`}`, () => {
  test("lose nothing, and come to rest", async () => {
    let commands = 0
    const property = fc.asyncProperty(
      fc.commands(steps, { maxCommands: 14, size: "max" }),
      async (sequence) => {
        await using shop = await openShop(server, { admin: true })
        await shop.adopt()
        const model = atFirst()
        const real: Real = { shop, foreign: "" }
        await fc.asyncModelRun(() => ({ model, real }), sequence)
        commands += [...sequence].length
        await settle(model, real)
      },
    )
    // Shrinking a failure takes as long again and again as one run does: it ends after two minutes
    // with the shortest so far.
    const result = await fc.check(property, {
      seed,
      numRuns,
      endOnFailure: false,
      interruptAfterTimeLimit: numRuns * 20_000 + 120_000,
    })
    const failure =
      result.failed && result.counterexample !== null
        ? {
            reproduce: `MODEL_SEED=${seed} MODEL_RUNS=${numRuns} bun test test/model`,
            sequence: String(result.counterexample),
            error: String(result.errorInstance),
          }
        : undefined
    expect(failure).toBeUndefined()
    console.log(`${result.numRuns} sequences of ${commands} commands, seed ${seed}: nothing lost`)
  }, 3_600_000)
})
