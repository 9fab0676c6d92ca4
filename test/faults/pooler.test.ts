import { describe, expect, test } from "bun:test"
import { pgbouncerPrograms } from "../../scripts/servers/pgbouncer.ts"
import { versionsOf } from "../support/sealed.ts"
import { startPgbouncer } from "../support/servers/pgbouncer.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"

/** A real PgBouncer in between: it holds passwords of its own and gives each transaction another session. */

const programs = await pgbouncerPrograms()

describe.skipIf(!programs.found)(
  `a connection pooler at the address${programs.found ? "" : ` (skipped: ${programs.why})`}`,
  () => {
    test.each([
      ["an admin", true],
      ["the role itself", false],
    ] as const)(
      "is refused before any value exists, for %s",
      async (_, admin) => {
        await using server = await startPostgres()
        await using shop = await openShop(server, { admin })
        const { project, role } = shop
        await shop.adopt()
        await using pooler = await startPgbouncer(server, {
          [role]: shop.old,
          ...(admin ? { [`${role}_admin`]: project.read("admin.password").trim() } : {}),
        })
        project.write(
          "mycelium.yaml",
          project
            .read("mycelium.yaml")
            .replaceAll(`127.0.0.1:${server.port}`, `127.0.0.1:${pooler.port}`),
        )
        const ran = await shop.run("rotate-now", "production")
        expect(ran.stdout).toContain("a connection pooler answers there (pooler-between)")
        expect(ran.stdout).toContain("hint: give the address of the PostgreSQL server itself")
        expect(ran.code).toBe(1)
        expect((await shop.run("check", "--connect")).stdout).toContain("FAIL  pooler-between")
        // What it says to a wrong password is not what the server says: nothing is decided by it.
        expect((await shop.run("reconcile", "production")).stdout).toContain(
          "no clear answer: the service gives no clear answer: ",
        )
        expect((await versionsOf(project, "postgres")).map(({ id }) => id)).toEqual(["v1"])
      },
      60_000,
    )
  },
)
