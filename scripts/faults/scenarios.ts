import type { Shop } from "../../test/support/shop.ts"
import { type Scenario, scenarios as crashes } from "../crash/scenarios.ts"

/** What is done on a machine that fails: what is cut by crashes, and commands that write besides. */

const shared = [
  "generated-forward",
  "role-forward",
  "role-back",
  "role-adopt",
  "pair-forward",
  "redis-forward",
  "three-forward",
  "again",
  "again-back",
]

export const scenarios: readonly Scenario[] = [
  ...crashes.filter(({ name }) => shared.includes(name)),
  {
    name: "render",
    message: "a file is written again",
    shop: () => ({ two: true }),
    args: ["render", "production"],
    prepare: spoiltFile,
    rest: "adopted",
  },
  {
    name: "reconcile",
    message: "an older password was put back at the server",
    shop: () => ({ two: true }),
    args: ["reconcile", "production", "--json"],
    prepare: restored,
    rest: "adopted",
  },
]

async function spoiltFile(shop: Shop): Promise<void> {
  await shop.adopt()
  await rotate(shop)
  shop.project.write(
    ".env",
    shop.project.read(".env").replace(/^POSTGRES_PASSWORD=.*$/m, `POSTGRES_PASSWORD=${shop.old}`),
  )
}

async function restored(shop: Shop): Promise<void> {
  await shop.adopt()
  const held = await shop.service.held()
  await rotate(shop)
  await shop.service.hold(held)
}

async function rotate(shop: Shop): Promise<void> {
  const { code, stdout, stderr } = await shop.run("rotate-now", "production/postgres")
  if (code !== 0) throw new Error(`the rotation ended with ${code}: ${stdout}${stderr}`)
}
