import { expect, test } from "bun:test"
import { longRetryBudget, resumeWithRetries } from "../../src/app/retry-budget.ts"
import { Session } from "../../src/rotate/session.ts"
import { run } from "../crash/run.ts"
import { World } from "../crash/world.ts"

/** How long a recovery waits, with the clock in hand. */

/** Cut where a journal is open, with a service that says nothing to the next `calls`. */
async function silentAfterCut(calls: number): Promise<World> {
  for (let cut = 0; ; cut++) {
    const world = new World()
    const { died } = await run(world, true, cut)
    if (!died) throw new Error("no cut left a journal")
    if (world.stored.changeSet === undefined) continue
    world.fault = { silent: { name: "one", calls } }
    return world
  }
}

/** `askingMs`: how long the service takes to say nothing. */
async function pauses(world: World, askingMs = 0): Promise<readonly number[]> {
  const { work } = world.start()
  const waited: number[] = []
  const monotonicMs = (): number => waited.length * askingMs
  const pause = (ms: number): Promise<void> => {
    // The wait for those who answer later than the others is another one, and never over here.
    if (ms > longRetryBudget.pauseMs) return new Promise(() => undefined)
    waited.push(ms)
    return Promise.resolve()
  }
  await resumeWithRetries(
    await Session.load({ ...work, host: { ...work.host, pause, monotonicMs } }),
    longRetryBudget,
  )
  return waited
}

test("a service that is about to answer is asked again within a tenth of a second, one that is not ever more seldom", async () => {
  expect(await pauses(await silentAfterCut(1))).toEqual([100])
  const waited = await pauses(await silentAfterCut(1000))
  expect(waited.slice(0, 6)).toEqual([100, 200, 400, 800, 1000, 1000])
  const total = waited.reduce((sum, ms) => sum + ms, 0)
  expect(total).toBeGreaterThanOrEqual(longRetryBudget.totalMs)
  expect(total).toBeLessThan(longRetryBudget.totalMs + longRetryBudget.pauseMs)
})

test("the time in which a service says nothing counts: a person hears of it in half a minute, not in a quarter of an hour", async () => {
  expect(await pauses(await silentAfterCut(1000), 20_000)).toEqual([100, 200])
})
