import { writeFile } from "node:fs/promises"
import { userInfo } from "node:os"
import { join } from "node:path"
import { readFileSync } from "node:fs"
import type { Found, Programs } from "../../../scripts/servers.ts"
import { temporaryFolder, type TemporaryFolder } from "../temp-folder.ts"
import { account, hand } from "./account.ts"
import { type Child, type Command, startChild, untilReady } from "./child.ts"
import { freePort } from "./free-port.ts"
import { usable } from "./programs.ts"
import { serversFolder } from "./servers-folder.ts"

/**
 * Not as root: it then needs no folder of the system's, and lets in the account that it runs as, no
 * other.
 */
const user = account === undefined ? userInfo().username : "nobody"

/** An sshd of the test's own: loopback, a free port, keys only. Leave it by `await using`. */
export async function startSshd(found: Found): Promise<SshServer> {
  const programs = await usable(found)
  const temporary = await temporaryFolder(serversFolder())
  const server = new SshServer(programs, temporary, await freePort())
  try {
    await server.prepare()
    await server.start()
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

export class SshServer implements AsyncDisposable {
  readonly folder: string
  readonly target: string
  readonly #programs: Programs
  readonly #temporary: TemporaryFolder
  readonly #port: number
  #child: Child | undefined

  constructor(programs: Programs, temporary: TemporaryFolder, port: number) {
    this.#programs = programs
    this.#temporary = temporary
    this.#port = port
    this.folder = temporary.path
    this.target = `${user}@127.0.0.1:${port}`
  }

  get authorizedKeys(): string {
    return join(this.folder, "authorized_keys")
  }
  get knownHosts(): string {
    return join(this.folder, "known_hosts")
  }

  /** With PAM: without it an account whose password sshd cannot read counts as locked. */
  async prepare(): Promise<void> {
    const key = join(this.folder, "host_key")
    const made = Bun.spawn(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], {
      stdio: ["ignore", "ignore", "inherit"],
    })
    if ((await made.exited) !== 0) throw new Error("ssh-keygen made no key")
    await writeFile(
      this.knownHosts,
      `[127.0.0.1]:${this.#port} ${readFileSync(`${key}.pub`, "utf8")}`,
    )
    await writeFile(
      join(this.folder, "sshd_config"),
      [
        "ListenAddress 127.0.0.1",
        `Port ${this.#port}`,
        `HostKey ${key}`,
        "PidFile none",
        "UsePAM yes",
        "StrictModes no",
        `AuthorizedKeysFile ${this.authorizedKeys}`,
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "LogLevel VERBOSE",
        "",
      ].join("\n"),
    )
    await writeFile(this.authorizedKeys, "# of the account\n", { mode: 0o644 })
    await hand(this.folder, key, join(this.folder, "sshd_config"), this.authorizedKeys)
  }

  async start(): Promise<void> {
    const sshd = join(this.#programs.bin, "sshd")
    const command: Command = {
      argv: [sshd, "-D", "-e", "-f", join(this.folder, "sshd_config")],
      env: this.#programs.env,
      folder: this.folder,
      log: join(this.folder, "log"),
      ifOrphaned: "KILL",
    }
    this.#child = startChild(command)
    const listens = (): Promise<boolean> =>
      Promise.resolve(
        readFileSync(command.log, "utf8").includes(
          `Server listening on 127.0.0.1 port ${this.#port}`,
        ),
      )
    if ((await untilReady(this.#child, command, listens)) === "ended")
      throw new Error(`sshd did not start:\n${readFileSync(command.log, "utf8")}`)
  }

  async stop(): Promise<void> {
    await this.#child?.stop("SIGTERM")
    this.#child = undefined
  }

  /** SIGSTOP leaves a server that takes connections and says nothing. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.signal(name)
  }

  get runs(): boolean {
    return this.#child !== undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.#temporary[Symbol.asyncDispose]()
  }
}
