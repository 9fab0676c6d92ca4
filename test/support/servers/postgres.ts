import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Programs, postgresPrograms } from "../../../scripts/servers.ts"
import { type TemporaryFolder, temporaryFolder } from "../temp-folder.ts"
import { hand } from "./account.ts"
import { type Child, type Command, startChild, untilReady } from "./child.ts"
import { copyFolder } from "./copy-folder.ts"
import { freePort } from "./free-port.ts"
import { hbaText, settingsText } from "./postgres-files.ts"
import { superuser, takeTemplate, type Template } from "./postgres-template.ts"
import { usable } from "./programs.ts"
import { serversFolder } from "./servers-folder.ts"
import { until } from "./until.ts"

export type PostgresOptions = {
  /** "system" (if left out): this machine's; "newer": 18, from npm. */
  readonly which?: "system" | "newer"
  /** Instead of `which`: another server's. */
  readonly programs?: Programs
  /** Replaces all lines of pg_hba.conf; `sql` comes in by the socket, by a line of its own. */
  readonly hba?: string
  /** Lines of postgresql.conf. */
  readonly config?: Readonly<Record<string, string>>
  /** PEM. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly ca?: string }
  readonly port?: number
  /** Used in place and never removed: another server's, after its end. Goes with that one's `password`. */
  readonly dataFolder?: string
  readonly password?: string
}
export type Row = Readonly<Record<string, unknown>>

/** A PostgreSQL of the test's own: loopback, a free port, a private folder. Leave it by `await using`. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const programs = await usable(
    options.programs ?? (await postgresPrograms(options.which ?? "system")),
  )
  const template = options.dataFolder === undefined ? await takeTemplate(programs) : undefined
  const temporary = await temporaryFolder(serversFolder())
  const server = new PostgresServer({ programs, template, temporary }, options)
  try {
    await hand(temporary.path)
    if (template !== undefined) await copyFolder(template.dataFolder, server.dataFolder)
    await server.start()
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

type Origin = {
  readonly programs: Programs
  readonly temporary: TemporaryFolder
  readonly template: Template | undefined
}

const signalOf = { smart: "SIGTERM", fast: "SIGINT", immediate: "SIGQUIT" } as const

export class PostgresServer implements AsyncDisposable {
  readonly host = "127.0.0.1"
  readonly superuser = superuser
  readonly password: string
  readonly version: string
  /** Private; holds the data, the socket and the log, and is gone after the test. */
  readonly folder: string
  readonly dataFolder: string
  readonly socketFolder: string
  readonly programs: Programs
  #port = 0
  #child: Child | undefined
  readonly #options: PostgresOptions
  readonly #origin: Origin

  constructor(origin: Origin, options: PostgresOptions) {
    this.programs = origin.programs
    this.version = origin.programs.version
    this.folder = origin.temporary.path
    this.socketFolder = this.folder
    this.dataFolder = options.dataFolder ?? join(this.folder, "data")
    this.password = origin.template?.password ?? options.password ?? ""
    this.#port = options.port ?? 0
    this.#options = options
    this.#origin = origin
  }

  get port(): number {
    return this.#port
  }

  /** The process that listens: another one after each start. */
  get pid(): number {
    return this.#running().pid
  }

  /** Starts it, on the port it had before if it ran before. */
  async start(): Promise<void> {
    const mayMove = this.#port === 0
    for (let tries = 0; tries < 10; tries++) {
      if (mayMove) this.#port = await freePort()
      await this.#writeFiles()
      if ((await this.#startOnce()) === "ready") return
      // Another test may have taken the port between our look and the start.
      if (!mayMove || !this.logs().includes("Address already in use")) break
    }
    throw new Error(`postgres did not start:\n${this.logs()}`)
  }

  /** The data stays: `start` goes on from there. */
  async stop(mode: "smart" | "fast" | "immediate" = "fast"): Promise<void> {
    await this.#child?.stop(signalOf[mode])
    this.#child = undefined
  }

  async restart(mode: "smart" | "fast" | "immediate" = "fast"): Promise<void> {
    await this.stop(mode)
    await this.start()
  }

  /**
   * As the superuser, by the socket, over a connection of its own. Several statements are allowed;
   * the rows are the last one's.
   */
  async sql(text: string, database = "postgres"): Promise<readonly Row[]> {
    return this.session(async (client) => rowsOf(await client.unsafe(text)), database)
  }

  /** Several calls of one session: what a transaction or a lock needs. */
  async session<Answer>(
    work: (client: Bun.SQL) => Promise<Answer>,
    database = "postgres",
  ): Promise<Answer> {
    const path = join(this.socketFolder, `.s.PGSQL.${this.#port}`)
    const client = new Bun.SQL({
      adapter: "postgres",
      path,
      username: this.superuser,
      password: this.password,
      database,
      max: 1,
      connectionTimeout: 10,
    })
    try {
      return await work(client)
    } finally {
      await client.close()
    }
  }

  /** All that it has printed since its first start. */
  logs(): string {
    return readFileSync(this.#log, "utf8")
  }

  /** Replaces the lines of pg_hba.conf; resolves when new logins obey them. */
  async setHba(hba: string): Promise<void> {
    await this.#write("pg_hba.conf", hbaText(this.superuser, hba))
    await this.reload()
  }

  /** The configuration files anew; resolves when new sessions obey them. */
  async reload(): Promise<void> {
    const loadedAt = async (): Promise<unknown> =>
      (await this.sql("select pg_conf_load_time()::text as at"))[0]?.["at"]
    const before = await loadedAt()
    this.signal("SIGHUP")
    await until("the server to reload", async () =>
      (await loadedAt()) === before ? undefined : true,
    )
  }

  /**
   * SIGSTOP leaves a server that accepts connections and says nothing; with "all", open sessions
   * hang too. `stop` wakes it.
   */
  signal(name: NodeJS.Signals, context?: "all"): void {
    this.#running().signal(name, context)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("immediate")
    await this.#origin.temporary[Symbol.asyncDispose]()
    this.#origin.template?.release()
  }

  get #log(): string {
    return join(this.folder, "log")
  }

  #running(): Child {
    if (this.#child === undefined) throw new Error("this postgres is not running")
    return this.#child
  }

  async #startOnce(): Promise<"ready" | "ended"> {
    const argv = [join(this.programs.bin, "postgres"), "-D", this.dataFolder]
    const command: Command = {
      argv,
      env: this.programs.env,
      folder: this.folder,
      log: this.#log,
      ifOrphaned: "QUIT",
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

  async #writeFiles(): Promise<void> {
    const { tls, config, hba, dataFolder } = this.#options
    const settings = settingsText({
      port: this.#port,
      socketFolder: this.socketFolder,
      tls,
      config,
    })
    await this.#write("postgresql.conf", settings)
    if (dataFolder === undefined) await this.#write("pg_hba.conf", hbaText(this.superuser, hba))
    if (tls === undefined) return
    await this.#write("server.crt", tls.certificate)
    await this.#write("server.key", tls.key)
    if (tls.ca !== undefined) await this.#write("ca.crt", tls.ca)
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.dataFolder, name)
    await writeFile(path, text, { mode: 0o600 })
    await hand(path)
  }
}

/** The driver answers one statement with its rows, several with a list of rows each. */
function rowsOf(answer: unknown): readonly Row[] {
  if (!Array.isArray(answer)) return []
  const last: unknown = answer.at(-1)
  return [...(Array.isArray(last) ? last : answer)]
}
