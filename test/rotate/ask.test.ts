import { describe, expect, test } from "bun:test"
import { AppError } from "../../src/base/error.ts"
import { atService } from "../../src/rotate/at-service.ts"
import { resume } from "../../src/rotate/resume.ts"
import { Session } from "../../src/rotate/session.ts"
import type { Work } from "../../src/rotate/work.ts"
import { run } from "../crash/run.ts"
import { World, names } from "../crash/world.ts"

/** Recovery asks; it never guesses. */

describe("a recovery whose logins get no answer", () => {
  test("decides nothing and touches nothing of that service, wherever the rotation was cut, and whichever way it goes", async () => {
    let asked = 0
    for (const unhealthy of [false, true]) {
      for (let cut = 0; ; cut++) {
        const world = new World()
        world.fault = unhealthy ? { unhealthy } : {}
        if (!(await run(world, true, cut)).died) break
        const set = world.stored.changeSet
        const stage = world.stored.secrets["one"]?.versions.at(-1)?.stage
        // Before it was proven, or on the way back, it has to be asked.
        if (
          set === undefined ||
          (set.direction === "forward" &&
            (set.ahead === true || (stage?.kind === "pending" && stage.proven)))
        )
          continue
        asked++
        const before = { one: world.one, file: world.files["/env/b"]?.["one"] }
        const session = await Session.load(silenced(world.start().work))
        expect((await resume(session))["one"]).toMatchObject({ kind: "waiting" })
        expect({ one: world.one, file: world.files["/env/b"]?.["one"] }).toEqual(before)
        expect(session.changeSet?.secrets).toContain("one")
      }
    }
    expect(asked).toBeGreaterThan(10)
    expect(names).toContain("one")
  })
})

test("an act without an answer names the server, and hints at its port", async () => {
  const { work } = new World().start()
  const session = await Session.load({ ...work, serverOf: () => "redis://127.0.0.1:5432" })
  const silent = atService(session, "one", 5, () => new Promise<never>(() => undefined))
  await expect(silent).rejects.toMatchObject({
    code: "timeout",
    message: "no answer within 1s from redis://127.0.0.1:5432",
    hint: expect.stringContaining("its port"),
  })
})

/** "one" settles, and then answers no login. */
function silenced(work: Work): Work {
  const { one } = work.drivers
  if (one === undefined) throw new Error("no driver")
  return {
    ...work,
    drivers: {
      ...work.drivers,
      one: {
        ...one,
        probe: () => Promise.reject(new AppError("timeout", "no answer", { remedy: "retry" })),
      },
    },
  }
}
