import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { hand } from "../../test/support/servers/account.ts"
import { startChild } from "../../test/support/servers/child.ts"
import { freePort } from "../../test/support/servers/free-port.ts"
import { type PostgresServer, startPostgres } from "../../test/support/servers/postgres.ts"
import { serversFolder } from "../../test/support/servers/servers-folder.ts"
import { temporaryFolder } from "../../test/support/temp-folder.ts"
import { until } from "../../test/support/until.ts"
import { openbaoPrograms } from "../servers/openbao.ts"
import type { Row } from "./measure.ts"
import { newPassword } from "./services.ts"

/**
 * What one would use instead: OpenBao with its integrated storage, on a disk as ours; roles of
 * PostgreSQL as its static roles.
 */
export type OpenBao = {
  readonly version: string
  /** For its command line. */
  readonly argv: readonly [string]
  readonly env: Readonly<Record<string, string>>
  /** Takes over roles of this server (`rotate-role` once each). */
  adopt(server: PostgresServer, roles: readonly string[]): Promise<void>
  /**
   * One new password, set at the server: a statement of its admin, no login that proves it, none
   * that proves the old one dead.
   */
  rotate(role: string): Promise<void>
} & AsyncDisposable

/** Or why there is none here. */
export async function startOpenBao(): Promise<OpenBao | { readonly why: string }> {
  const programs = await openbaoPrograms()
  if (!programs.found) return programs
  const temporary = await temporaryFolder(serversFolder())
  const folder = temporary.path
  const [port, cluster] = [await freePort(), await freePort()]
  const address = `http://127.0.0.1:${port}`
  const config = {
    storage: { raft: { path: folder, node_id: "one" } },
    listener: [
      {
        tcp: {
          address: `127.0.0.1:${port}`,
          cluster_address: `127.0.0.1:${cluster}`,
          tls_disable: true,
        },
      },
    ],
    api_addr: address,
    cluster_addr: `http://127.0.0.1:${cluster}`,
  }
  await writeFile(join(folder, "config.json"), JSON.stringify(config), { mode: 0o600 })
  await hand(folder)
  await hand(join(folder, "config.json"))
  const binary = join(programs.bin, "bao")
  const child = startChild({
    ifOrphaned: "KILL",
    argv: [binary, "server", `-config=${join(folder, "config.json")}`],
    env: { HOME: folder },
    folder,
    log: join(folder, "log"),
  })
  const stop = async (): Promise<void> => {
    await child.stop("SIGTERM")
    await temporary[Symbol.asyncDispose]()
  }
  try {
    let token = ""
    const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      const answer = await fetch(`${address}/v1/${path}`, {
        method,
        headers: { "X-Vault-Token": token },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      if (!answer.ok) throw new Error(`OpenBao refused ${path} (${answer.status})`)
      return answer.status === 204 ? undefined : answer.json()
    }
    await until("OpenBao to answer", () =>
      ask("GET", "sys/init").then(
        () => true,
        () => false,
      ),
    )
    const made = (await ask("PUT", "sys/init", { secret_shares: 1, secret_threshold: 1 })) as {
      readonly keys: readonly string[]
      readonly root_token: string
    }
    await ask("PUT", "sys/unseal", { key: made.keys[0] })
    token = made.root_token
    await until("OpenBao to be active", () =>
      ask("GET", "sys/health").then(
        () => true,
        () => false,
      ),
    )
    await ask("POST", "sys/mounts/database", { type: "database" })
    return {
      version: programs.version,
      argv: [binary],
      env: { BAO_ADDR: address, BAO_TOKEN: token, HOME: folder, PATH: "/usr/bin:/bin" },
      adopt: async (server, roles) => {
        const password = newPassword()
        await server.sql(
          `CREATE ROLE openbao LOGIN CREATEROLE PASSWORD '${password}'; ` +
            `${roles.map((role) => `GRANT ${role} TO openbao WITH ADMIN OPTION`).join("; ")}`,
        )
        await ask("POST", "database/config/server", {
          plugin_name: "postgresql-database-plugin",
          allowed_roles: "*",
          username: "openbao",
          password,
          max_open_connections: 8,
          connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${server.port}/postgres?sslmode=disable`,
        })
        for (const role of roles)
          await ask("POST", `database/static-roles/${role}`, {
            db_name: "server",
            username: role,
            rotation_period: "24h",
          })
      },
      rotate: async (role) => void (await ask("POST", `database/rotate-role/${role}`)),
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * A containment beside what one would type instead: a shell loop over
 * `bao write -f database/rotate-role/…`, one after the other.
 */
export async function withLoop(row: Row, count: number): Promise<Row> {
  await using server = await startPostgres()
  const bao = await startOpenBao()
  if ("why" in bao) return { ...row, peer: `no OpenBao here: ${bao.why}` }
  await using _ = bao
  const roles = Array.from({ length: count }, (_, index) => `looped${index}`)
  await server.sql(roles.map((role) => `CREATE ROLE ${role} LOGIN`).join("; "))
  await bao.adopt(server, roles)
  const began = performance.now()
  const { exitCode } = Bun.spawnSync(
    [
      "sh",
      "-c",
      'bao=$1; shift; for role; do "$bao" write -f "database/rotate-role/$role" || exit 1; done',
      "sh",
      ...bao.argv,
      ...roles,
    ],
    { env: bao.env, stdout: "ignore", stderr: "ignore" },
  )
  const tookMs = performance.now() - began
  if (exitCode !== 0) throw new Error("the loop of OpenBao ended early")
  return {
    ...row,
    peer:
      `${(tookMs / 1000).toFixed(1)} s for ${count} in a shell loop over bao write -f ` +
      "database/rotate-role/…, no login, no session ended",
  }
}
