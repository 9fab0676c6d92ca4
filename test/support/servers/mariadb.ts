import { randomBytes } from "node:crypto"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { mariadbPrograms, type Programs } from "../../../scripts/servers.ts"
import { type TemporaryFolder, temporaryFolder } from "../temp-folder.ts"
import { hand } from "./account.ts"
import { type Child, type Command, runToEnd, startChild, untilReady } from "./child.ts"
import { freePort } from "./free-port.ts"
import { usable } from "./programs.ts"
import { serversFolder } from "./servers-folder.ts"

export type MariadbOptions = {
  /** Settings of mariadbd: { "default-storage-engine": "Aria" }. */
  readonly config?: Readonly<Record<string, string>>
  /** PEM. With `ca` an account may ask for a certificate of its client (REQUIRE X509). */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly ca?: string }
}
export type Row = Readonly<Record<string, unknown>>

/** A MariaDB of the test's own: loopback, a free port, a private folder. Leave it by `await using`. */
export async function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer> {
  const programs = await usable(await mariadbPrograms())
  const temporary = await temporaryFolder(serversFolder())
  const server = new MariadbServer(programs, temporary, options)
  try {
    await mkdir(server.dataFolder, { mode: 0o700 })
    await hand(temporary.path, server.dataFolder)
    for (const [name, pem] of Object.entries(tlsFiles(options)))
      await give(join(server.folder, name), pem)
    await initialise(server)
    await server.start()
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

function tlsFiles({ tls }: MariadbOptions): Readonly<Record<string, string>> {
  if (tls === undefined) return {}
  return {
    "server.crt": tls.certificate,
    "server.key": tls.key,
    ...(tls.ca === undefined ? {} : { "ca.crt": tls.ca }),
  }
}

function tlsSettings(folder: string, { tls }: MariadbOptions): Readonly<Record<string, string>> {
  // Newer servers make themselves a certificate else.
  if (tls === undefined) return { ssl: "off" }
  const at = (name: string): string => join(folder, name)
  return {
    "ssl-cert": at("server.crt"),
    "ssl-key": at("server.key"),
    ...(tls.ca === undefined ? {} : { "ssl-ca": at("ca.crt") }),
  }
}

async function give(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  await hand(path)
}

const systemTables = [
  "mysql_system_tables.sql",
  "mysql_performance_tables.sql",
  "mysql_system_tables_data.sql",
]

/**
 * What mariadb-install-db does, without the client programs that it calls; and an administrator
 * with a password.
 */
async function initialise(server: MariadbServer): Promise<void> {
  const tables = await Promise.all(
    systemTables.map((name) => readFile(join(server.shareFolder, name), "utf8")),
  )
  const { user, password } = server.admin
  const accounts = [
    // The system tables come with a root that has no password.
    "delete from global_priv where User = 'root';",
    "flush privileges;",
    `create user '${user}'@'%' identified by '${password}';`,
    `grant all on *.* to '${user}'@'%' with grant option;`,
  ]
  // The server reads one statement a line here.
  const input = ["create database mysql;", "use mysql;", ...tables, ...accounts, ""].join("\n")
  await runToEnd({
    argv: [...server.argv, "--bootstrap", "--skip-networking"],
    env: server.programs.env,
    folder: server.folder,
    input,
  })
}

export class MariadbServer implements AsyncDisposable {
  readonly host = "127.0.0.1"
  readonly admin: { readonly user: string; readonly password: string } = {
    user: "admin",
    password: randomBytes(18).toString("hex"),
  }
  readonly version: string
  /** Private; holds the data, the socket and the log, and is gone after the test. */
  readonly folder: string
  readonly dataFolder: string
  readonly shareFolder: string
  readonly programs: Programs
  #port = 0
  #child: Child | undefined
  readonly #options: MariadbOptions
  readonly #temporary: TemporaryFolder

  constructor(programs: Programs, temporary: TemporaryFolder, options: MariadbOptions) {
    this.programs = programs
    this.version = programs.version
    this.folder = temporary.path
    this.dataFolder = join(temporary.path, "data")
    this.shareFolder = join(programs.root ?? "/", "usr/share/mysql")
    this.#options = options
    this.#temporary = temporary
  }

  get port(): number {
    return this.#port
  }

  get pid(): number {
    return this.#running().pid
  }

  /**
   * All but the port. Names are not looked up: a client on loopback is '127.0.0.1', and 'localhost'
   * is the socket's.
   */
  get argv(): readonly string[] {
    const settings = {
      datadir: this.dataFolder,
      "lc-messages-dir": this.shareFolder,
      "character-sets-dir": join(this.shareFolder, "charsets"),
      "plugin-dir": join(this.programs.root ?? "/", "usr/lib/mysql/plugin"),
      socket: join(this.folder, "socket"),
      "pid-file": join(this.folder, "pid"),
      "bind-address": this.host,
      "innodb-flush-log-at-trx-commit": "0",
      ...tlsSettings(this.folder, this.#options),
      ...this.#options.config,
    }
    const words = Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
    return [join(this.programs.bin, "mariadbd"), "--no-defaults", "--skip-name-resolve", ...words]
  }

  /** Starts it, on the port it had before if it ran before. */
  async start(): Promise<void> {
    const mayMove = this.#port === 0
    for (let tries = 0; tries < 10; tries++) {
      if (mayMove) this.#port = await freePort()
      if ((await this.#startOnce()) === "ready") return
      // Another test may have taken the port between our look and the start.
      if (!mayMove || !this.logs().includes("Address already in use")) break
    }
    throw new Error(`mariadbd did not start:\n${this.logs()}`)
  }

  /** The data stays: `start` goes on from there. */
  async stop(how: "ask" | "kill" = "ask"): Promise<void> {
    await this.#child?.stop(how === "ask" ? "SIGTERM" : "SIGKILL")
    this.#child = undefined
  }

  async restart(how: "ask" | "kill" = "ask"): Promise<void> {
    await this.stop(how)
    await this.start()
  }

  /** As the administrator, over a connection of its own; one statement. */
  async sql(text: string, database = "mysql"): Promise<readonly Row[]> {
    const { user, password } = this.admin
    const client = new Bun.SQL({
      adapter: "mysql",
      hostname: this.host,
      port: this.#port,
      username: user,
      password,
      database,
      max: 1,
      connectionTimeout: 10,
    })
    try {
      const rows: readonly Row[] = await client.unsafe(text)
      return [...rows]
    } finally {
      await client.close()
    }
  }

  /** All that it has printed since its first start. */
  logs(): string {
    return readFileSync(this.#log, "utf8")
  }

  /** SIGSTOP leaves a server that accepts connections and says nothing. `stop` wakes it. */
  signal(name: NodeJS.Signals): void {
    this.#running().signal(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("kill")
    await this.#temporary[Symbol.asyncDispose]()
  }

  get #log(): string {
    return join(this.folder, "log")
  }

  #running(): Child {
    if (this.#child === undefined) throw new Error("this mariadbd is not running")
    return this.#child
  }

  async #startOnce(): Promise<"ready" | "ended"> {
    const argv = [...this.argv, `--port=${this.#port}`]
    const command: Command = {
      argv,
      env: this.programs.env,
      folder: this.folder,
      log: this.#log,
      ifOrphaned: "KILL",
    }
    this.#child = startChild(command)
    const answers = (): Promise<boolean> =>
      this.sql("select 1").then(
        () => true,
        () => false,
      )
    const outcome = await untilReady(this.#child, command, answers)
    if (outcome === "ended") this.#child = undefined
    return outcome
  }
}
