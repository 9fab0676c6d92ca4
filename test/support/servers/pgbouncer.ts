import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { pgbouncerPrograms } from "../../../scripts/servers/pgbouncer.ts"
import { temporaryFolder } from "../temp-folder.ts"
import { hand } from "./account.ts"
import { startChild, untilReady } from "./child.ts"
import { freePort } from "./free-port.ts"
import type { PostgresServer } from "./postgres.ts"
import { usable } from "./programs.ts"
import { serversFolder } from "./servers-folder.ts"

export type Pgbouncer = AsyncDisposable & {
  readonly port: number
  readonly pid: number
  /** Its auth_file. */
  readonly users: string
}

/**
 * A PgBouncer before `server` that knows these logins; `more`: lines for its config. Leave it by
 * `await using`.
 */
export async function startPgbouncer(
  server: PostgresServer,
  logins: Readonly<Record<string, string>>,
  more: readonly string[] = [],
): Promise<Pgbouncer> {
  const programs = await usable(await pgbouncerPrograms())
  const temporary = await temporaryFolder(serversFolder())
  const port = await freePort()
  const files = {
    "users.txt": Object.entries(logins)
      .map(([user, password]) => `"${user}" "${password}"\n`)
      .join(""),
    "pgbouncer.ini": [
      "[databases]",
      `* = host=127.0.0.1 port=${server.port}`,
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${port}`,
      "auth_type = scram-sha-256",
      `auth_file = ${join(temporary.path, "users.txt")}`,
      `unix_socket_dir =`,
      "pool_mode = transaction",
      "ignore_startup_parameters = extra_float_digits",
      ...more,
      "",
    ].join("\n"),
  }
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(temporary.path, name), text, { mode: 0o600 })
    await hand(join(temporary.path, name))
  }
  await hand(temporary.path)
  const command = {
    argv: [join(programs.bin, "pgbouncer"), join(temporary.path, "pgbouncer.ini")],
    env: programs.env,
    folder: temporary.path,
    log: join(temporary.path, "log"),
    ifOrphaned: "KILL",
  } as const
  const child = startChild(command)
  const [[username, password] = ["", ""]] = Object.entries(logins)
  const answers = async (): Promise<boolean> => {
    const client = new Bun.SQL({
      adapter: "postgres",
      hostname: "127.0.0.1",
      port,
      username,
      password,
      database: "postgres",
      max: 1,
      connectionTimeout: 2,
    })
    return client
      .unsafe("select 1")
      .then(
        () => true,
        () => false,
      )
      .finally(() => client.close())
  }
  const dispose = async (): Promise<void> => {
    await child.stop("SIGKILL")
    await temporary[Symbol.asyncDispose]()
  }
  if ((await untilReady(child, command, answers)) === "ended") {
    const log = await Bun.file(command.log).text()
    await dispose()
    throw new Error(`pgbouncer did not start:\n${log}`)
  }
  return {
    port,
    pid: child.pid,
    users: join(temporary.path, "users.txt"),
    [Symbol.asyncDispose]: dispose,
  }
}
