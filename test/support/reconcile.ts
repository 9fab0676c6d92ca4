import type { Ran } from "./mycelium.ts"
import { versionsOf } from "./sealed.ts"
import type { Shop } from "./shop.ts"
import { expectClear } from "../cli/refused.ts"

/** What the tests of reconcile do to a shop. */

export const reconcile = ["reconcile", "production"]
export const stages = async (shop: Shop): Promise<readonly string[]> =>
  (await versionsOf(shop.project, shop.service.secret)).map(({ id, stage }) => `${id} ${stage}`)
export async function rotated(shop: Shop): Promise<string> {
  const { code, stdout, stderr } = await shop.run("rotate-now", "production")
  if (code !== 0) throw new Error(stdout + stderr)
  return shop.service.shown(shop.project).password
}
/** In the file and in the program that has read it. */
export function show({ project }: Shop, password: string): void {
  project.write(
    ".env",
    project.read(".env").replace(/^POSTGRES_PASSWORD=.*$/m, `POSTGRES_PASSWORD=${password}`),
  )
  project.write("api.loaded", project.read(".env"))
}
/** A backup of what the service holds; the answer puts it back. */
export async function keep({ service }: Shop): Promise<() => Promise<void>> {
  const held = await service.held()
  return () => service.hold(held)
}
export async function clear(shop: Shop, ran: Ran): Promise<Ran> {
  const values = (await versionsOf(shop.project, shop.service.secret)).flatMap(
    ({ password }) => password ?? [],
  )
  expectClear(ran.stdout + ran.stderr, [shop.old, ...values])
  return ran
}
