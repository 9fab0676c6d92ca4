import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { cpus } from "node:os"
import { join } from "node:path"
import type { PostgresServer } from "../../test/support/servers/postgres.ts"
import type { Service } from "./a-program.ts"
import { run } from "./start.ts"

/**
 * Logins a second of `pgbench -C`, which connects anew for each `SELECT 1`; or why there are none.
 * `folder`: for its files.
 */
export async function pgbench(
  server: PostgresServer,
  { login }: Service,
  how: { readonly folder: string; readonly clients: number; readonly seconds: number },
): Promise<{ readonly rate: number } | { readonly why: string }> {
  const { bin, env } = server.programs
  const program = existsSync(join(bin, "pgbench")) ? join(bin, "pgbench") : Bun.which("pgbench")
  if (program === null) return { why: `${bin} has none, nor has the PATH` }
  const [script, passwords] = [join(how.folder, "select.sql"), join(how.folder, "pgpass")]
  await writeFile(script, "SELECT 1;\n")
  await writeFile(passwords, `*:*:*:*:${login.password}\n`, { mode: 0o600 })
  const load = [
    "-C",
    "-n",
    "-f",
    script,
    "-c",
    String(how.clients),
    "-j",
    String(Math.min(how.clients, cpus().length)),
    "-T",
    String(how.seconds),
  ]
  const said = run(
    [program, ...load, "-h", "127.0.0.1", "-p", String(server.port), "-U", login.user, "postgres"],
    /tps = [\d.]+ \(including reconnection/,
    { ...env, PGPASSFILE: passwords },
  )
  return { rate: Number(/tps = ([\d.]+)/.exec(said)?.[1]) }
}
