import { expect, test } from "bun:test"
import { gracesOf } from "../../src/core/graces.ts"
import { preflight } from "../../src/rotate/preflight.ts"
import { owedVersions } from "../../src/rotate/revoke/owed.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import { World } from "../crash/world.ts"

test("whether a grace is over is judged alike before a rotation and for the revoke, where the wall clock has leapt", async () => {
  for (const leapMs of [86_400_000, -3_600_000]) {
    const world = new World()
    await rotate(await Session.load(world.start().work), { secrets: ["dual"], why: "asked" })
    const passed = { ms: 0 }
    const { work } = world.start()
    const host = { ...work.host, monotonicMs: () => passed.ms }
    const session = await Session.load({ ...work, host })
    gracesOf(host).seen(session.document)
    const judge = async (): Promise<unknown> => {
      const { left } = await preflight(session, { secrets: ["dual"], why: "asked" })
      const verdict = left["dual"]
      return [
        verdict?.kind === "left" ? verdict.code : verdict?.kind,
        owedVersions(session, { skipGrace: false }).map(({ name }) => name),
      ]
    }
    world.time += leapMs
    expect(await judge()).toEqual(["in-grace", []])
    passed.ms = 600_001
    world.time += 1000
    expect(await judge()).toEqual(["revoke-owed", ["dual"]])
  }
})
