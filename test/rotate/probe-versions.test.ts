import { expect, test } from "bun:test"
import type { Credential } from "../../src/core/ports.ts"
import { Secret } from "../../src/core/secret.ts"
import type { StateDocument } from "../../src/core/state.ts"
import { Session } from "../../src/rotate/session.ts"
import { probeVersions } from "../../src/rotate/probe-versions.ts"
import { World } from "../crash/world.ts"

/**
 * What a killed run has sent may land later than a question about it: it is ended before anything
 * is asked.
 */

function withSecond(world: World, name: "dual" | "one"): StateDocument {
  const state = world.stored.secrets[name]
  if (state === undefined) throw new Error(`no state of ${name}`)
  const second = {
    id: "v2",
    madeAt: "2026-01-01T00:00:00.000Z",
    stage: { kind: "uncertain", why: "given up" },
    clear: {},
    sealed: "p-late",
    fingerprints: {},
  } as const
  return {
    ...world.stored,
    secrets: {
      ...world.stored.secrets,
      [name]: { ...state, versions: [...state.versions, second] },
    },
  }
}

async function surveyed(
  name: "dual" | "one",
  prepare: (world: World) => void,
): Promise<{
  readonly world: World
  readonly answer: Awaited<ReturnType<typeof probeVersions>>
  readonly session: Session
}> {
  const world = new World()
  world.noWait = true
  world.stored = withSecond(world, name)
  prepare(world)
  const session = await Session.load(world.start().work)
  return { world, session, answer: await probeVersions(session, name, { most: 5, looks: false }) }
}

const late: Credential = { version: "late", fields: { password: new Secret("late", "p-late") } }

test("a value whose change was under way is not called refused by an answer of before it landed: two values side by side", async () => {
  const { world, answer, session } = await surveyed("dual", (one) => {
    // It lands as the fourth call is made: after a wrong value, v1 and v2 were tried.
    one.ghost = { name: "dual", next: late, countdown: 4 }
  })
  expect(answer).toMatchObject({ kind: "known", accepted: ["v1"], refused: ["v2"] })
  for (let more = 0; more < 5; more++)
    await session.work.drivers["dual"]?.probe(
      { version: "x", fields: { password: new Secret("x", "x") } },
      new AbortController().signal,
    )
  expect(world.dual.has("p-late")).toBe(false)
})

test("nor is every value called dead while one of them is on its way", async () => {
  const { world, answer, session } = await surveyed("one", (one) => {
    one.one = "set by hand"
    one.ghost = { name: "one", next: late, countdown: 4 }
  })
  expect(answer).toMatchObject({ kind: "known", accepted: [], refused: ["v1", "v2"] })
  for (let more = 0; more < 5; more++)
    await session.work.drivers["one"]?.probe(
      { version: "x", fields: { password: new Secret("x", "x") } },
      new AbortController().signal,
    )
  expect(world.one).toBe("set by hand")
})
