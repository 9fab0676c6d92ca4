import { rmSync } from "node:fs"
import { openShop, type Shop } from "./shop.ts"
import type { PostgresServer } from "./servers/postgres.ts"

/** A shop whose PostgreSQL has an admin, and the admin's password lies where a secret manager has it. */
export type ManagedShop = { readonly shop: Shop; readonly password: string }

/** `keep` writes the password there, and gives the reference to it. */
export async function openManagedShop(
  server: PostgresServer,
  keep: (password: string) => object,
): Promise<ManagedShop> {
  const shop = await openShop(server, { admin: true, endSessions: true })
  const password = shop.project.read("admin.password").trim()
  rmSync(shop.project.path("admin.password"))
  refer(shop, keep(password))
  return { shop, password }
}

/** From now on the config names the admin's password so. */
export function refer({ project }: Shop, reference: object): void {
  const config = JSON.parse(project.read("mycelium.yaml")) as {
    environments: { production: { secrets: { postgres: { admin: { password: object } } } } }
  }
  config.environments.production.secrets.postgres.admin.password = reference
  project.configure(config)
}
