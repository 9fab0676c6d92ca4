import { expect, test } from "bun:test"
import { AppError } from "../../src/base/error.ts"
import { revokeOwed } from "../../src/rotate/revoke.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import type { Work } from "../../src/rotate/work.ts"
import { World, names } from "../crash/world.ts"

/** As if one version had been sealed to a key that no identity has. */
function withoutKeyOf(work: Work, secret: string, version: string): Work {
  const { vault } = work
  const open: typeof vault.open = (name, one) =>
    name === secret && one.id === version
      ? Promise.reject(new AppError("seal-broken", `${name} ${version} does not open`))
      : vault.open(name, one)
  return { ...work, vault: Object.assign(Object.create(vault) as typeof vault, { open }) }
}

test("an old version that does not open holds up the revoke of no other secret", async () => {
  const world = new World()
  await rotate(await Session.load(world.start().work), { secrets: names, why: "asked" })
  const owed = await revokeOwed(await Session.load(withoutKeyOf(world.start().work, "one", "v1")), {
    skipGrace: true,
  })
  expect(
    Object.fromEntries(
      owed.map(({ secret, death }) => [secret, death.kind === "dead" ? "dead" : death.code]),
    ),
  ).toEqual({ pair: "dead", dual: "dead", one: "seal-broken" })
})

test("a program that is not healthy any more keeps what is still accepted, and only that, until it is", async () => {
  const world = new World()
  await rotate(await Session.load(world.start().work), { secrets: names, why: "asked" })
  world.fault = { alwaysUnhealthy: "api" }
  const revoke = async (): Promise<Readonly<Record<string, string>>> => {
    const revoked = await revokeOwed(await Session.load(world.start().work), { skipGrace: true })
    return Object.fromEntries(
      revoked.map(({ secret, death }) => [secret, death.kind === "dead" ? "dead" : death.code]),
    )
  }
  const unhealthy = "deployment-unhealthy"
  expect(await revoke()).toEqual({ pair: unhealthy, dual: unhealthy, one: "dead" })
  expect(world.dual.size).toBe(2)
  world.fault = {}
  expect(await revoke()).toEqual({ pair: "dead", dual: "dead" })
  expect(world.dual.size).toBe(1)
})

test("one value under two numbers, as an earlier release has written it, is owed no revoke", async () => {
  const world = new World()
  await rotate(await Session.load(world.start().work), { secrets: ["dual"], why: "asked" })
  const { dual } = world.stored.secrets
  if (dual === undefined) throw new Error("no such secret")
  const fingerprints = { password: "of one value" }
  const versions = dual.versions.map((one) => ({ ...one, clear: {}, fingerprints }))
  world.stored = {
    ...world.stored,
    secrets: { ...world.stored.secrets, dual: { ...dual, versions } },
  }
  const session = await Session.load(world.start().work)
  expect(await revokeOwed(session, { skipGrace: true })).toEqual([])
  expect(session.state("dual").versions.map(({ stage }) => stage.kind)).toEqual([
    "retired",
    "current",
  ])
})
