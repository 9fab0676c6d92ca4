import { expect, test } from "bun:test"
import { existsSync, readdirSync, rmSync, readFileSync } from "node:fs"
import { startPostgres, type PostgresServer } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"

/**
 * A PostgreSQL whose shared memory was removed under it, as systemd-logind does (RemoveIPC) when a
 * user logs out: it refuses logins for a file that is missing, which is no library.
 */

/** Segments that this server has mapped, as files. */
function segmentsOf({ pid }: PostgresServer): readonly string[] {
  const ids = [pid, ...readdirSync("/proc").filter((name) => isChildOf(name, pid))]
  const maps = ids.map(mapsOf).join("\n")
  return [...new Set([...maps.matchAll(/\/dev\/shm\/(PostgreSQL\.\d+)/g)].map(([path]) => path))]
}

/** A worker of the server may end between the look at the processes and this one. */
function mapsOf(id: number | string): string {
  try {
    return readFileSync(`/proc/${id}/maps`, "utf8")
  } catch {
    return ""
  }
}

function isChildOf(name: string, pid: number): boolean {
  const path = `/proc/${name}/stat`
  if (!/^\d+$/.test(name) || !existsSync(path)) return false
  return readFileSync(path, "utf8")
    .replace(/^.*\) . /s, "")
    .startsWith(`${pid} `)
}

test("a server that lost its shared memory is named so, with the restart that brings it back", async () => {
  await using server = await startPostgres({ config: { dynamic_shared_memory_type: "posix" } })
  await using shop = await openShop(server, { admin: true })
  await shop.adopt()
  // So many that what the server counts of them needs a segment of its own.
  await server.sql(
    "do $$ begin for one in 1..3000 loop execute format('create table t%s (id int primary " +
      "key)', one); if one % 500 = 0 then commit; end if; end loop; end $$",
  )
  for (const path of segmentsOf(server)) rmSync(path)
  const { stdout, stderr } = await shop.run("rotate-now", "production", "--dry-run")
  const said = stdout + stderr
  expect(said, server.logs().slice(-300)).toContain("58P01")
  expect(said).toContain("shared memory segment")
  expect(said).toContain("restart the server, which makes it anew")
  await server.restart("immediate")
  expect((await shop.run("rotate-now", "production", "--dry-run")).code).toBe(0)
}, 60_000)
