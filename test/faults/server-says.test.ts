import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, openShop } from "../support/shop.ts"

/**
 * A server that answers each new connection with an error: whatever says that it has no clear
 * answer, or that nothing can be settled, says what the server answered.
 */

const acts = [
  "check --connect",
  "reconcile production",
  "adopt production",
  "rotate-now production --dry-run",
  "rotate-now production --contain --yes --incident leak-7",
  "rotate-now production",
] as const

describe.each([
  {
    which: "before the login",
    message: "SQLSTATE 28000",
    plant: async (server: PostgresServer) => {
      writeFileSync(
        join(server.dataFolder, "pg_hba.conf"),
        "local all postgres trust\nhost all all all reject\n",
      )
      await server.sql("select pg_reload_conf()")
    },
  },
  {
    which: "after it: a library of the server is gone",
    message: "SQLSTATE 58P01",
    plant: async (server: PostgresServer) => {
      await server.sql("alter system set session_preload_libraries = 'nowhere'")
      await server.sql("select pg_reload_conf()")
    },
  },
])("an error $which", ({ message, plant }) => {
  let server: PostgresServer
  let shop: Shop
  beforeAll(async () => {
    server = await startPostgres()
    shop = await openShop(server, { admin: true })
    await shop.adopt()
    await plant(server)
  }, 60_000)
  afterAll(async () => {
    await shop[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  test.each([...acts])(
    "%s",
    async (words) => {
      const ran = await shop.run(...words.split(" "))
      const out = ran.stdout + ran.stderr
      expect(out).toContain(message)
      expect(out).not.toContain("listener-changed")
      expect(ran.code).not.toBe(0)
    },
    60_000,
  )
})
