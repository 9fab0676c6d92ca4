import { expect, test } from "bun:test"
import { rotate } from "../../src/rotate/rotate.ts"
import { resume } from "../../src/rotate/resume.ts"
import { Session } from "../../src/rotate/session.ts"
import type { Work } from "../../src/rotate/work.ts"
import { World, names } from "../crash/world.ts"

const acceptedAt = "2026-01-01T03:00:00.123456Z"

/** Its services tell since when they have a value, as those do that can end older sessions. */
function dating(work: Work): Work {
  const drivers = Object.entries(work.drivers).map(
    ([name, driver]) =>
      [
        name,
        {
          ...driver,
          apply: async (...asked: Parameters<typeof driver.apply>) => ({
            ...(await driver.apply(...asked)),
            acceptedAt,
          }),
        },
      ] as const,
  )
  return { ...work, drivers: Object.fromEntries(drivers) }
}

async function life(work: Work): Promise<void> {
  const session = await Session.load(dating(work))
  if (session.changeSet === undefined)
    await rotate(session, {
      secrets: names.filter((name) => session.state(name).contained === undefined),
      why: "incident",
      incident: "leak",
      contain: { revokeFirst: false },
    })
  else await resume(session)
}

test("a containment that is cut at any instant knows since when each service has its new value: by that the sessions of before are ended", async () => {
  for (let cut = 0; ; cut++) {
    const world = new World()
    const { work, died } = world.start(cut)
    if ((await Promise.race([life(work), died])) !== "died") {
      expect(cut).toBeGreaterThan(30)
      return
    }
    // The first run may have been cut before its journal existed: then the second one only begins.
    for (
      let run = 0;
      run < 3 && names.some((name) => world.stored.secrets[name]?.contained === undefined);
      run++
    )
      await life(world.start().work)
    const current = names
      .filter((name) => name !== "gen")
      .map((name) =>
        world.stored.secrets[name]?.versions.find(({ stage }) => stage.kind === "current"),
      )
    expect({ cut, dated: current.map((version) => version?.acceptedAt) }).toEqual({
      cut,
      dated: [acceptedAt, acceptedAt, acceptedAt],
    })
  }
})
