import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Programs, redisPrograms } from "../../../scripts/servers.ts"
import { type TemporaryFolder, temporaryFolder } from "../temp-folder.ts"
import { hand } from "./account.ts"
import { type Child, type Command, startChild, untilReady } from "./child.ts"
import { freePort } from "./free-port.ts"
import { usable } from "./programs.ts"
import { redisFiles } from "./redis-files.ts"
import { serversFolder } from "./servers-folder.ts"

export type RedisOptions = {
  /**
   * Where users are kept. "aclfile" (if left out): ACL SAVE works. "config": redis.conf, CONFIG
   * REWRITE works. "lost": neither, as with `redis-server --requirepass X`; the admin is `default`
   * then.
   */
  readonly users?: "aclfile" | "config" | "lost"
  /** More users, as in an ACL file: "shop on >secret ~* +@all". Not with "lost". */
  readonly acl?: readonly string[]
  /** Switches the user `default` on, with this password; it is off else. */
  readonly requirepass?: string
  /** Settings of redis.conf: { replicaof: "127.0.0.1 7000" }. */
  readonly config?: Readonly<Record<string, string>>
  /** PEM; the port speaks TLS only then. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly ca?: string }
  readonly port?: number
}

/** A Redis of the test's own: loopback, a free port, a private folder. Leave it by `await using`. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const programs = await usable(await redisPrograms())
  const temporary = await temporaryFolder(serversFolder())
  const server = new RedisServer(programs, temporary, options)
  try {
    await hand(temporary.path)
    await server.start()
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

export class RedisServer implements AsyncDisposable {
  readonly host = "127.0.0.1"
  readonly admin: { readonly user: string; readonly password: string }
  readonly version: string
  /** Private; holds redis.conf, users.acl and the log, and is gone after the test. */
  readonly folder: string
  readonly programs: Programs
  #port: number
  #argv: readonly string[] | undefined
  #child: Child | undefined
  readonly #options: RedisOptions
  readonly #temporary: TemporaryFolder

  constructor(programs: Programs, temporary: TemporaryFolder, options: RedisOptions) {
    this.programs = programs
    this.version = programs.version
    this.folder = temporary.path
    this.#port = options.port ?? 0
    this.#options = options
    this.#temporary = temporary
    const lost = options.users === "lost"
    this.admin = {
      user: lost ? "default" : "admin",
      password: (lost ? options.requirepass : undefined) ?? randomBytes(18).toString("hex"),
    }
  }

  get port(): number {
    return this.#port
  }

  /** The process that listens: another one after each start. */
  get pid(): number {
    return this.#running().pid
  }

  /** Starts it, on the port and from the files it had before if it ran before. */
  async start(): Promise<void> {
    const mayMove = this.#port === 0
    for (let tries = 0; tries < 10; tries++) {
      if (mayMove) this.#port = await freePort()
      if (mayMove || this.#argv === undefined) await this.#writeFiles()
      if ((await this.#startOnce()) === "ready") return
      // Another test may have taken the port between our look and the start.
      if (!mayMove || !this.logs().includes("Address already in use")) break
    }
    throw new Error(`redis-server did not start:\n${this.logs()}`)
  }

  /** The files stay: `start` goes on from there. */
  async stop(how: "ask" | "kill" = "ask"): Promise<void> {
    await this.#child?.stop(how === "ask" ? "SIGTERM" : "SIGKILL")
    this.#child = undefined
  }

  async restart(how: "ask" | "kill" = "ask"): Promise<void> {
    await this.stop(how)
    await this.start()
  }

  /** As the admin, over a connection of its own: `command("ACL", "LIST")`. */
  async command(name: string, ...words: readonly string[]): Promise<unknown> {
    return this.commandAs(this.admin, name, ...words)
  }

  /** With a login; throws what the server says: "WRONGPASS …". */
  async commandAs(
    who: { readonly user: string; readonly password: string },
    name: string,
    ...words: readonly string[]
  ): Promise<unknown> {
    const scheme = this.#options.tls === undefined ? "redis" : "rediss"
    const login = `${encodeURIComponent(who.user)}:${encodeURIComponent(who.password)}`
    const tls = this.#options.tls === undefined ? {} : { tls: { rejectUnauthorized: false } }
    // Only a first command that waits for the connection learns why a login failed; `connect()`
    // would hide it.
    const options = { autoReconnect: false, maxRetries: 0, connectionTimeout: 5_000, ...tls }
    const client = new Bun.RedisClient(`${scheme}://${login}@${this.host}:${this.#port}`, options)
    try {
      const answer: unknown = await client.send(name, [...words])
      return answer
    } finally {
      client.close()
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
    if (this.#child === undefined) throw new Error("this redis-server is not running")
    return this.#child
  }

  async #startOnce(): Promise<"ready" | "ended"> {
    const argv = [join(this.programs.bin, "redis-server"), ...(this.#argv ?? [])]
    const command: Command = {
      argv,
      env: this.programs.env,
      folder: this.folder,
      log: this.#log,
      ifOrphaned: "KILL",
    }
    this.#child = startChild(command)
    const answers = (): Promise<boolean> =>
      this.command("PING").then(
        () => true,
        () => false,
      )
    const outcome = await untilReady(this.#child, command, answers)
    if (outcome === "ended") this.#child = undefined
    return outcome
  }

  async #writeFiles(): Promise<void> {
    const { argv, files } = redisFiles({
      ...this.#options,
      port: this.#port,
      folder: this.folder,
      admin: this.admin,
    })
    this.#argv = argv
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(this.folder, name), text, { mode: 0o600 })
      await hand(join(this.folder, name))
    }
  }
}
