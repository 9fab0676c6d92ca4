import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { join } from "node:path"
import { type Programs, rabbitmqPrograms } from "../../../scripts/servers.ts"
import { type TemporaryFolder, temporaryFolder } from "../temp-folder.ts"
import { hand } from "./account.ts"
import { type Child, type Command, runToEnd, startChild, untilReady } from "./child.ts"
import { freePort } from "./free-port.ts"
import { usable } from "./programs.ts"
import { configText, launchOf } from "./rabbitmq-files.ts"
import { serversFolder } from "./servers-folder.ts"
import { until } from "./until.ts"

export type RabbitmqOptions = {
  /** PEM; the management API and AMQP speak TLS only then. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** More lines of rabbitmq.conf. */
  readonly config?: readonly string[]
}
/** `amqp` and `api` are for clients; `epmd` and `distribution` are Erlang's own, on loopback as well. */
export type Ports = {
  readonly amqp: number
  readonly api: number
  readonly epmd: number
  readonly distribution: number
}

/** What the management API says to a question of the test's own. */
export type Said = { readonly status: number; readonly body: string }

/** A RabbitMQ of the test's own: loopback, free ports, a private folder. Leave it by `await using`. */
export async function startRabbitmq(options: RabbitmqOptions = {}): Promise<RabbitmqServer> {
  const programs = await usable(await rabbitmqPrograms())
  const temporary = await temporaryFolder(serversFolder())
  const server = new RabbitmqServer(programs, temporary, options)
  try {
    await hand(temporary.path)
    await server.start()
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

export class RabbitmqServer implements AsyncDisposable {
  readonly host = "127.0.0.1"
  readonly admin = { user: "admin", password: randomBytes(18).toString("hex") }
  readonly version: string
  /** Private; holds the config, the data and the log, and is gone after the test. */
  readonly folder: string
  readonly programs: Programs
  #ports: Ports | undefined
  #child: Child | undefined
  #epmd: Child | undefined
  readonly #options: RabbitmqOptions
  readonly #temporary: TemporaryFolder

  constructor(programs: Programs, temporary: TemporaryFolder, options: RabbitmqOptions) {
    this.programs = programs
    this.version = programs.version
    this.folder = temporary.path
    this.#options = options
    this.#temporary = temporary
  }

  /** Of the management API. */
  get port(): number {
    return this.#known().api
  }

  get amqpPort(): number {
    return this.#known().amqp
  }

  /** The process that listens: another one after each start. */
  get pid(): number {
    return this.#running().pid
  }

  /** Of the server and of Erlang's port mapper. */
  get pids(): readonly number[] {
    return [this.#child, this.#epmd].flatMap((one) => (one === undefined ? [] : [one.pid]))
  }

  /** Starts it, on the ports that it had before if it ran before. */
  async start(): Promise<void> {
    const mayMove = this.#ports === undefined
    for (let tries = 0; tries < 5; tries++) {
      if (mayMove) {
        this.#ports = {
          amqp: await freePort(),
          api: await freePort(),
          epmd: await freePort(),
          distribution: await freePort(),
        }
        await this.#writeFiles(this.#ports)
      }
      if ((await this.#startOnce()) === "ready") return
      // Another test may have taken a port between our look and the start.
      if (!mayMove || !this.logs().includes("eaddrinuse")) break
    }
    throw new Error(`RabbitMQ did not start:\n${this.logs()}`)
  }

  /** The data stays: `start` goes on from there. */
  async stop(how: "ask" | "kill" = "ask"): Promise<void> {
    await this.#child?.stop(how === "ask" ? "SIGTERM" : "SIGKILL")
    this.#child = undefined
    await this.#epmd?.stop("SIGKILL")
    this.#epmd = undefined
  }

  async restart(how: "ask" | "kill" = "ask"): Promise<void> {
    await this.stop(how)
    await this.start()
  }

  /** One question to the management API, as the admin if `who` is left out. */
  async api(
    method: "GET" | "PUT" | "POST" | "DELETE",
    path: string,
    body?: unknown,
    who: { readonly user: string; readonly password: string } = this.admin,
  ): Promise<Said> {
    const scheme = this.#options.tls === undefined ? "http" : "https"
    const login = Buffer.from(`${who.user}:${who.password}`).toString("base64")
    const response = await fetch(`${scheme}://${this.host}:${this.port}/api/${path}`, {
      method,
      headers: { authorization: `Basic ${login}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(this.#options.tls === undefined ? {} : { tls: { rejectUnauthorized: false } }),
      signal: AbortSignal.timeout(10_000),
    })
    return { status: response.status, body: await response.text() }
  }

  /** The same, parsed; throws where the server says no. */
  async ask(...words: Parameters<RabbitmqServer["api"]>): Promise<unknown> {
    const { status, body } = await this.api(...words)
    if (status >= 300) throw new Error(`${words[0]} ${words[1]}: ${status} ${body}`)
    return body === "" ? undefined : JSON.parse(body)
  }

  /** A user with that password, who may do everything in the virtual host "/". */
  async user(name: string, password: string, tags = ""): Promise<void> {
    const at = encodeURIComponent(name)
    await this.ask("PUT", `users/${at}`, { password, tags })
    const all = { configure: ".*", write: ".*", read: ".*" }
    await this.ask("PUT", `permissions/%2F/${at}`, all)
  }

  /** What time it shows, in milliseconds. */
  async clock(): Promise<number> {
    const scheme = this.#options.tls === undefined ? "http" : "https"
    const { headers } = await fetch(`${scheme}://${this.host}:${this.port}/api/whoami`)
    return Date.parse(headers.get("date") ?? "")
  }

  /** RabbitMQ's own command, as a person runs it; throws what it says where it fails. */
  async rabbitmqctl(...words: readonly string[]): Promise<void> {
    const { RABBITMQ_HOME = "" } = this.programs.env
    const { variables } = this.#launch()
    const command = (said: readonly string[]): Promise<void> =>
      runToEnd({
        argv: [
          // What escript starts, without the path that it was built with.
          join(this.programs.bin, "erlexec"),
          ...(
            "+B -boot no_dot_erlang -noshell -escript main rabbitmqctl_escript -run escript " +
            "start -extra"
          ).split(" "),
          join(RABBITMQ_HOME, "escript/rabbitmqctl"),
          ...said,
        ],
        env: { ...this.programs.env, ...variables },
        folder: this.folder,
      })
    // A server lets programs in before it takes commands.
    await command(["await_startup"])
    await command(words)
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

  #known(): Ports {
    if (this.#ports === undefined) throw new Error("this RabbitMQ has not been started")
    return this.#ports
  }

  #running(): Child {
    if (this.#child === undefined) throw new Error("this RabbitMQ is not running")
    return this.#child
  }

  #launch(): ReturnType<typeof launchOf> {
    return launchOf({ programs: this.programs, folder: this.folder, ports: this.#known() })
  }

  async #startOnce(): Promise<"ready" | "ended"> {
    const { epmd, amqp } = this.#known()
    const { env, bin } = this.programs
    const base = { folder: this.folder, log: this.#log, ifOrphaned: "KILL" } as const
    // Of our own, so that RabbitMQ finds one and starts none that outlives it, or listens elsewhere.
    this.#epmd = startChild({
      ...base,
      env,
      argv: [join(bin, "epmd"), "-address", this.host, "-port", String(epmd)],
    })
    const { argv, variables } = this.#launch()
    const command: Command = { ...base, argv, env: { ...env, ...variables } }
    await until("epmd to listen", () => listens(this.host, epmd))
    this.#child = startChild(command)
    const answers = (): Promise<boolean> =>
      this.api("GET", "whoami").then(
        // Programs are let in last.
        async ({ status }) => status === 200 && (await listens(this.host, amqp)) === true,
        () => false,
      )
    const outcome = await untilReady(this.#child, command, answers)
    if (outcome === "ended") await this.stop("kill")
    return outcome
  }

  async #writeFiles(ports: Ports): Promise<void> {
    const { tls, config = [] } = this.#options
    const files = {
      "rabbitmq.conf": configText({
        ports,
        admin: this.admin,
        folder: this.folder,
        tls: tls !== undefined,
        more: config,
      }),
      enabled_plugins: "[rabbitmq_management].\n",
      ...(tls === undefined ? {} : { "server.crt": tls.certificate, "server.key": tls.key }),
    }
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(this.folder, name), text, { mode: 0o600 })
      await hand(join(this.folder, name))
    }
  }
}

function listens(host: string, port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const say = (answer: true | undefined): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once("connect", () => say(true)).once("error", () => say(undefined))
  })
}
