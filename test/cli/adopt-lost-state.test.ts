import { expect, test } from "bun:test"
import { cpSync, rmSync } from "node:fs"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"

/**
 * A store from before a containment, put back with its log: the hints lead out of it, followed to
 * the word.
 */

const servers = serversOfFile({ postgres: startPostgres })
const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak-7"]

test("a file that shows a value which only the lost state knew: adopt says which value works, and how to go on", async () => {
  await using shop = await openShop(servers.postgres, { admin: true })
  await shop.adopt()
  const copy = `${shop.project.root}/store.before`
  cpSync(shop.project.store, copy, { recursive: true })
  expect((await shop.run(...contain)).code).toBe(0)
  rmSync(shop.project.store, { recursive: true })
  cpSync(copy, shop.project.store, { recursive: true })
  const ran = await shop.run(...contain)
  expect(ran.code).not.toBe(0)
  const adopted = await shop.run("adopt", "production")
  expect(adopted.stdout).toContain(
    "the service refuses the value that was found, and accepts v2, which is current (adopt-refused)",
  )
  expect(adopted.stdout).toContain(
    "hint: empty that line in the output; then mycelium render production",
  )
  const env = shop.project.read(".env").replace(/^POSTGRES_PASSWORD=.*$/m, "POSTGRES_PASSWORD=")
  shop.project.write(".env", env)
  expect((await shop.run("render", "production")).code).toBe(0)
  expect([
    (await shop.run(...contain)).code,
    await shop.login(shop.old),
    await shop.login(shop.shown),
  ]).toEqual([0, "28P01", "in"])
}, 60_000)
