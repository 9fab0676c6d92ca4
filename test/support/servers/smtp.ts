import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { aiosmtpdPrograms, type Programs } from "../../../scripts/servers.ts"
import { python } from "../../../scripts/servers/python-package.ts"
import { makeAuthority } from "../certificates.ts"
import { type TemporaryFolder, temporaryFolder } from "../temp-folder.ts"
import { hand } from "./account.ts"
import { type Child, type Command, startChild, untilReady } from "./child.ts"
import { freePort } from "./free-port.ts"
import { usable } from "./programs.ts"
import { serversFolder } from "./servers-folder.ts"

/** aiosmtpd, a server of mail: what it takes can be read. */

export type SmtpOptions = {
  /** "plain": no TLS at all. */
  readonly kind: "plain" | "starttls" | "tls"
  readonly user?: string
  /** Recipients that it does not have. */
  readonly refused?: readonly string[]
  /** The names in its certificate; an address by itself if left out. */
  readonly names?: readonly string[]
}

export type TakenMail = {
  readonly from: string
  readonly to: readonly string[]
  readonly tls: boolean
  readonly login: string | null
  readonly text: string
}

export async function whyNoSmtp(): Promise<string | undefined> {
  const found = await aiosmtpdPrograms()
  return found.found ? undefined : found.why
}

export async function startSmtp(options: SmtpOptions): Promise<SmtpServer> {
  const programs = await usable(await aiosmtpdPrograms())
  const temporary = await temporaryFolder(serversFolder())
  const server = new SmtpServer(temporary, options)
  try {
    await server.start(programs)
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

export class SmtpServer implements AsyncDisposable {
  readonly #temporary: TemporaryFolder
  readonly #options: SmtpOptions
  readonly password = `mail-${crypto.randomUUID()}`
  /** PEM: what a client has to trust. */
  readonly authority = makeAuthority()
  port = 0
  #child: Child | undefined

  constructor(temporary: TemporaryFolder, options: SmtpOptions) {
    this.#temporary = temporary
    this.#options = options
  }

  get address(): string {
    return `${this.#options.kind === "tls" ? "smtps" : "smtp"}://127.0.0.1:${this.port}`
  }

  async start(programs: Programs): Promise<void> {
    const { kind, user, refused = [], names = ["127.0.0.1"] } = this.#options
    const { certificate, key } = this.authority.issue(names)
    const files = {
      "certificate.pem": certificate,
      "key.pem": key,
      password: this.password,
      "server.py": readFileSync(join(import.meta.dir, "smtp.py"), "utf8"),
    }
    for (const [name, text] of Object.entries(files))
      writeFileSync(this.#path(name), text, { mode: 0o600 })
    await hand(this.#temporary.path, ...Object.keys(files).map((name) => this.#path(name)))
    this.port = await freePort()
    const settings = {
      kind,
      port: this.port,
      user: user ?? null,
      password: this.#path("password"),
      refused,
      taken: this.#path("taken"),
      certificate: kind === "plain" ? null : this.#path("certificate.pem"),
      key: this.#path("key.pem"),
    }
    const command: Command = {
      ifOrphaned: "KILL",
      argv: [python, this.#path("server.py"), JSON.stringify(settings)],
      env: { ...programs.env, PYTHONDONTWRITEBYTECODE: "1" },
      folder: this.#temporary.path,
      log: this.#path("log"),
    }
    this.#child = startChild(command)
    if ((await untilReady(this.#child, command, () => accepts(this.port))) === "ended")
      throw new Error(`aiosmtpd did not start:\n${readFileSync(this.#path("log"), "utf8")}`)
  }

  get taken(): readonly TakenMail[] {
    const path = this.#path("taken")
    if (!existsSync(path)) return []
    const lines = readFileSync(path, "utf8").split("\n").filter(Boolean)
    return lines.map((line) => JSON.parse(line) as TakenMail)
  }

  /** A server that no longer answers. */
  hang(): void {
    this.#child?.signal("SIGSTOP")
  }

  #path(name: string): string {
    return join(this.#temporary.path, name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.stop("SIGKILL")
    await this.#temporary[Symbol.asyncDispose]()
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port })
    socket.on("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.on("error", () => resolve(false))
  })
}
