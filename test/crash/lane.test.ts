import { expect, test } from "bun:test"
import { Lane, unlessLate } from "../../scripts/crash/lane.ts"
import { type Scenario, type Servers, scenarios } from "../../scripts/crash/scenarios.ts"

/** What a loaded machine does to a crash test must not be taken for a fault of the binary. */

/** These waits are the subject, and a loaded machine makes each longer. */
const limitMs = 240_000

/** A generated value alone: no server is asked. */
const none = {} as Servers

function scenarioOf(name: string): Scenario {
  const found = scenarios.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no scenario ${name}`)
  return found
}

/** As on a machine that is too slow, until `calm` lies there. */
function slowDown({ shop: { project } }: Lane, seconds: number): void {
  const [head = "", ...lines] = project.read("health-api").trimEnd().split("\n")
  expect(head).toBe("#!/bin/sh")
  project.script("health-api", `[ -e calm ] || sleep ${seconds}`, ...lines)
}

test(
  "a healthy program may be slow to say so: no limit is missed",
  async () => {
    await using lane = await Lane.open(none, scenarioOf("generated-forward"))
    slowDown(lane, 1.5)
    const { code, stdout } = await lane.run()
    expect({ code, stdout: code === 0 ? "" : stdout }).toEqual({ code: 0, stdout: "" })
    expect(lane.late).toBe(false)
  },
  limitMs,
)

test(
  "where a check got no answer at all, it is tried again",
  async () => {
    await using lane = await Lane.open(none, scenarioOf("generated-back"))
    let calls = 0
    const work = async (): Promise<string> => {
      await lane.reset()
      slowDown(lane, 30)
      if (++calls === 2) lane.shop.project.write("calm", "")
      return (await lane.run()).stdout
    }
    const said = await unlessLate(lane, work, (stdout) => !stdout.includes("no answer from"))
    expect(calls).toBe(2)
    expect(said).toContain("not healthy within 2s")
  },
  limitMs,
)

test(
  "a fault that stays is told; one of a machine that was fast enough is told at once",
  async () => {
    await using lane = await Lane.open(none, scenarioOf("generated-back"))
    for (const late of [true, false]) {
      let calls = 0
      const work = (): Promise<number> => {
        lane.late = late
        return Promise.resolve(++calls)
      }
      expect(await unlessLate(lane, work, () => false)).toBe(late ? 3 : 1)
    }
  },
  limitMs,
)
