import { expect, test } from "bun:test"
import { AppError } from "../../src/base/error.ts"
import { revokeOwed } from "../../src/rotate/revoke.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { Session } from "../../src/rotate/session.ts"
import type { Work } from "../../src/rotate/work.ts"
import { World, names } from "../crash/world.ts"

/** As if one version had been sealed to a key that nobody has. */
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
