import { readFileSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { openbaoPrograms, type Programs } from "../../../scripts/servers.ts"
import { type TemporaryFolder, temporaryFolder } from "../temp-folder.ts"
import { hand } from "./account.ts"
import { type Child, type Command, startChild, untilReady } from "./child.ts"
import { freePort } from "./free-port.ts"
import { usable } from "./programs.ts"
import { serversFolder } from "./servers-folder.ts"
import { until } from "./until.ts"

export type OpenBaoOptions = {
  /** PEM; it speaks TLS only then. `clients`: the authority of certificates that it takes. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clients?: string }
}

/** What it says to a question of the test's own. */
export type Said = { readonly status: number; readonly body: unknown }
export type AskHow = { readonly token?: string; readonly namespace?: string }

/** Why there is none here; undefined where there is: for `test.skipIf`. */
export async function whyNoOpenBao(): Promise<string | undefined> {
  const found = await openbaoPrograms()
  return found.found ? undefined : found.why
}

/**
 * An OpenBao of the test's own: unsealed, a KV engine (version 2) at `secret`, on loopback and a
 * free port.
 */
export async function startOpenBao(options: OpenBaoOptions = {}): Promise<OpenBaoServer> {
  const programs = await usable(await openbaoPrograms())
  const temporary = await temporaryFolder(serversFolder())
  const server = new OpenBaoServer(programs, temporary, options)
  try {
    await hand(temporary.path)
    await server.start()
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

export class OpenBaoServer implements AsyncDisposable {
  readonly host = "127.0.0.1"
  /** Private; holds the config, the data and the log, and is gone after the test. */
  readonly folder: string
  readonly version: string
  readonly #programs: Programs
  readonly #options: OpenBaoOptions
  readonly #temporary: TemporaryFolder
  #ports: { readonly api: number; readonly cluster: number } | undefined
  #child: Child | undefined
  #keys: { readonly root: string; readonly unseal: string } | undefined

  constructor(programs: Programs, temporary: TemporaryFolder, options: OpenBaoOptions) {
    this.#programs = programs
    this.version = programs.version
    this.folder = temporary.path
    this.#temporary = temporary
    this.#options = options
  }

  get port(): number {
    if (this.#ports === undefined) throw new Error("this OpenBao has not been started")
    return this.#ports.api
  }
  get address(): string {
    return `${this.#options.tls === undefined ? "http" : "https"}://${this.host}:${this.port}`
  }
  get rootToken(): string {
    if (this.#keys === undefined) throw new Error("this OpenBao has not been started")
    return this.#keys.root
  }
  get binary(): string {
    return join(this.#programs.bin, "bao")
  }
  get pid(): number {
    if (this.#child === undefined) throw new Error("this OpenBao is not running")
    return this.#child.pid
  }

  /** Starts it, on the ports and with the data that it had before if it ran before. */
  async start(): Promise<void> {
    if (this.#ports === undefined) {
      this.#ports = { api: await freePort(), cluster: await freePort() }
      await this.#writeFiles()
    }
    const command: Command = {
      ifOrphaned: "KILL",
      argv: [this.binary, "server", `-config=${join(this.folder, "config.json")}`],
      env: { HOME: this.folder },
      folder: this.folder,
      log: this.#log,
    }
    this.#child = startChild(command)
    const answers = (): Promise<boolean> =>
      this.say("GET", "sys/init").then(
        ({ status }) => status === 200,
        () => false,
      )
    if ((await untilReady(this.#child, command, answers)) === "ended")
      throw new Error(`OpenBao did not start:\n${this.logs()}`)
    if (this.#keys === undefined) await this.#init()
    else await this.unseal()
  }

  async stop(how: "ask" | "kill" = "ask"): Promise<void> {
    await this.#child?.stop(how === "ask" ? "SIGTERM" : "SIGKILL")
    this.#child = undefined
  }

  /** From now on it accepts connections and says nothing. `stop` wakes it, too. */
  async freeze(): Promise<void> {
    this.#child?.signal("SIGSTOP")
    await until("OpenBao to stand still", async () =>
      /^State:\tT/m.test(readFileSync(`/proc/${this.pid}/status`, "utf8")) ? true : undefined,
    )
  }

  wake(): void {
    this.#child?.signal("SIGCONT")
  }

  async seal(): Promise<void> {
    await this.ask("POST", "sys/seal")
  }

  async unseal(): Promise<void> {
    await this.ask("POST", "sys/unseal", { key: this.#keys?.unseal })
    await until("OpenBao to be active", () =>
      this.say("GET", "sys/health").then(
        ({ status }) => (status === 200 ? true : undefined),
        () => undefined,
      ),
    )
  }

  /** One question, as root if `how` names no token. */
  async say(method: string, path: string, body?: unknown, how: AskHow = {}): Promise<Said> {
    const token = how.token ?? this.#keys?.root
    const response = await fetch(`${this.address}/v1/${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { "x-vault-token": token }),
        ...(how.namespace === undefined ? {} : { "x-vault-namespace": how.namespace }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(this.#options.tls === undefined ? {} : { tls: { rejectUnauthorized: false } }),
      signal: AbortSignal.timeout(10_000),
    })
    const text = await response.text()
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text) }
  }

  /** As text, both ways: what parsing would change. Throws where it says no. */
  async raw(method: string, path: string, text?: string): Promise<string> {
    const response = await fetch(`${this.address}/v1/${path}`, {
      method,
      headers: { "x-vault-token": this.rootToken },
      ...(text === undefined ? {} : { body: text }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
    return response.text()
  }

  /** `say`, parsed; throws where it says no. */
  async ask(...words: Parameters<OpenBaoServer["say"]>): Promise<unknown> {
    const { status, body } = await this.say(...words)
    if (status >= 300) throw new Error(`${words[0]} ${words[1]}: ${status} ${JSON.stringify(body)}`)
    return body
  }

  /** Writes a version of an entry below `secret`, as another program would. */
  async write(path: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
    await this.ask("POST", `secret/data/${path}`, { data: fields })
  }

  /** The newest version of an entry below `secret`, or one by its number. */
  async read(path: string, version?: number): Promise<EntryOf> {
    const query = version === undefined ? "" : `?version=${version}`
    const { status, body } = await this.say("GET", `secret/data/${path}${query}`)
    const data = (body as { readonly data?: RawEntry } | undefined)?.data
    return { status, fields: data?.data ?? undefined, version: data?.metadata?.version ?? 0 }
  }

  /** A token of these rights (HCL). */
  async token(policy: string, options: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const name = `p${crypto.randomUUID()}`
    await this.ask("PUT", `sys/policies/acl/${name}`, { policy })
    const body = await this.ask("POST", "auth/token/create", { policies: [name], ...options })
    return (body as { readonly auth: { readonly client_token: string } }).auth.client_token
  }

  /** A role of AppRole with these rights (HCL). */
  async approle(
    policy: string,
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<{ readonly name: string; readonly roleId: string; readonly secretId: string }> {
    const name = `r${crypto.randomUUID()}`
    const { body } = await this.say("GET", "sys/auth")
    if (!("approle/" in (body as { readonly data: object }).data))
      await this.ask("POST", "sys/auth/approle", { type: "approle" })
    await this.ask("PUT", `sys/policies/acl/${name}`, { policy })
    await this.ask("POST", `auth/approle/role/${name}`, { token_policies: [name], ...options })
    type Told = { readonly data: Readonly<Record<string, string>> }
    const id = (await this.ask("GET", `auth/approle/role/${name}/role-id`)) as Told
    const secret = (await this.ask("POST", `auth/approle/role/${name}/secret-id`, {})) as Told
    return {
      name,
      roleId: id.data["role_id"] ?? "",
      secretId: secret.data["secret_id"] ?? "",
    }
  }

  /** Asks until it says yes: a new engine of version 2 answers 400 until it is ready. */
  async eventually(...words: Parameters<OpenBaoServer["say"]>): Promise<void> {
    await until(`${words[0]} ${words[1]} to be taken`, async () =>
      (await this.say(...words)).status < 300 ? true : undefined,
    )
  }

  /** Of the tokens that it knows, root's own among them. */
  async accessors(): Promise<readonly string[]> {
    const body = await this.ask("GET", "auth/token/accessors?list=true")
    return (body as { readonly data: { readonly keys: readonly string[] } }).data.keys
  }

  async tokens(): Promise<number> {
    return (await this.accessors()).length
  }

  async revokeAllBut(kept: readonly string[]): Promise<void> {
    for (const accessor of await this.accessors())
      if (!kept.includes(accessor))
        await this.ask("POST", "auth/token/revoke-accessor", { accessor })
  }

  logs(): string {
    return readFileSync(this.#log, "utf8")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("kill")
    await this.#temporary[Symbol.asyncDispose]()
  }

  get #log(): string {
    return join(this.folder, "log")
  }

  async #init(): Promise<void> {
    const body = await this.ask("PUT", "sys/init", { secret_shares: 1, secret_threshold: 1 })
    const made = body as { readonly keys: readonly string[]; readonly root_token: string }
    this.#keys = { root: made.root_token, unseal: made.keys[0] ?? "" }
    await this.unseal()
    await this.ask("POST", "sys/mounts/secret", { type: "kv", options: { version: "2" } })
    await this.eventually("GET", "secret/config")
  }

  async #writeFiles(): Promise<void> {
    const { tls } = this.#options
    await mkdir(join(this.folder, "data"), { mode: 0o700 })
    await hand(join(this.folder, "data"))
    const files: Record<string, string> = {
      "config.json": JSON.stringify(this.#config()),
      ...(tls === undefined ? {} : { "server.crt": tls.certificate, "server.key": tls.key }),
      ...(tls?.clients === undefined ? {} : { "clients.crt": tls.clients }),
    }
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(this.folder, name), text, { mode: 0o600 })
      await hand(join(this.folder, name))
    }
  }

  #config(): unknown {
    const { tls } = this.#options
    const at = (name: string): string => join(this.folder, name)
    return {
      // The quickest election: it is alone.
      storage: { raft: { path: at("data"), node_id: "one", performance_multiplier: 1 } },
      ui: false,
      api_addr: this.address,
      cluster_addr: `http://${this.host}:${this.#ports?.cluster}`,
      listener: [
        {
          tcp: {
            address: `${this.host}:${this.port}`,
            cluster_address: `${this.host}:${this.#ports?.cluster}`,
            ...(tls === undefined
              ? { tls_disable: true }
              : {
                  tls_cert_file: at("server.crt"),
                  tls_key_file: at("server.key"),
                  ...(tls.clients === undefined ? {} : { tls_client_ca_file: at("clients.crt") }),
                }),
          },
        },
      ],
    }
  }
}

type RawEntry = {
  readonly data?: Readonly<Record<string, unknown>> | null
  readonly metadata?: { readonly version: number }
}
export type EntryOf = {
  readonly status: number
  readonly fields: Readonly<Record<string, unknown>> | undefined
  readonly version: number
}
