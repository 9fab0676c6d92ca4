import { expect, test } from "bun:test"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import type { Work } from "../../src/rotate/work.ts"
import { World } from "../crash/world.ts"

/**
 * One act at a time for all, the rest of one secret's before the next one's; each pause is over
 * when one further act has ended.
 */
function oneAtATime(work: Work): Work {
  const waiting: { readonly secret: string; readonly go: () => void }[] = []
  let pauses: (() => void)[] = []
  let busy = false
  const withServerSlot: Work["withServerSlot"] = async (secret, act) => {
    if (busy) await new Promise<void>((go) => waiting.push({ secret, go }))
    busy = true
    try {
      return await act()
    } finally {
      const over = pauses
      pauses = []
      for (const end of over) end()
      // What the end of this act brings about comes first.
      setTimeout(() => {
        const next = waiting.findIndex((one) => one.secret === secret)
        const [chosen] = waiting.splice(Math.max(0, next), 1)
        busy = chosen !== undefined
        chosen?.go()
      })
    }
  }
  return {
    ...work,
    withServerSlot,
    host: { ...work.host, pause: () => new Promise((end) => pauses.push(end)) },
  }
}

test("in a containment no secret is given up because it waits for its turn at a busy server", async () => {
  const world = new World()
  const session = await Session.load(oneAtATime(world.start().work))
  const outcomes = await rotate(session, {
    secrets: ["pair", "dual", "one"],
    why: "incident",
    incident: "leak",
    contain: { revokeFirst: false },
  })
  expect(Object.entries(outcomes).map(([name, { kind }]) => [name, kind])).toEqual([
    ["pair", "rotated"],
    ["dual", "rotated"],
    ["one", "rotated"],
  ])
})
