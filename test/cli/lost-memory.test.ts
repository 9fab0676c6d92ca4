import { expect, test } from "bun:test"
import { readdirSync, readlinkSync, rmSync } from "node:fs"
import { join } from "node:path"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"

/**
 * A server that has lost its shared memory answers each connection with its own error: that is what
 * everybody says.
 */

/** So many that their statistics do not fit into the memory that a new process inherits. */
const tables = 1500

async function loseMemory(server: PostgresServer): Promise<void> {
  await server.sql(
    `do $$ begin for i in 1..${tables} loop execute 'create table t' || i || '(a int)'; ` +
      "execute 'insert into t' || i || ' values (1)'; end loop; end $$",
  )
  const folder = join(readlinkSync(`/proc/${server.pid}/cwd`), "pg_dynshmem")
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
}

test("a server that answers each connection with an error: its own code is told everywhere, and what to do", async () => {
  await using server = await startPostgres()
  await using shop = await openShop(server, { admin: true })
  await shop.adopt()
  await loseMemory(server)
  expect(await shop.login(shop.old)).toBe("58P01")
  const told = "(SQLSTATE 58P01)"
  const asked = [
    { args: ["check", "--connect"], code: 4 },
    { args: ["reconcile", "production"], code: 1 },
    { args: ["adopt", "production"], code: 1 },
    { args: ["rotate-now", "production", "--dry-run"], code: 1 },
    { args: ["rotate-now", "production", "--contain", "--yes", "--incident", "leak-7"], code: 7 },
    { args: ["rotate-now", "production"], code: 1 },
  ]
  for (const { args, code } of asked) {
    const ran = await shop.run(...args)
    expect({ args, code: ran.code, said: ran.stdout }).toEqual({
      args,
      code,
      said: expect.stringContaining(told),
    })
    expect(ran.stdout).not.toContain("listener-changed")
  }
  const checked = await shop.run("check", "--connect")
  expect(checked.stdout).toContain("FAIL  server-file-missing: ")
  expect(checked.stdout).toContain(
    "the server's log names it. A shared memory segment: restart the server, which makes it anew",
  )
}, 120_000)
