import { mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import {
  type DockerPrograms,
  dockerPrograms,
  layOutImage,
} from "../../../scripts/servers/docker.ts"
import { type TemporaryFolder, temporaryFolder } from "../temp-folder.ts"
import { until } from "./until.ts"

/** Why no engine can be started here: its tests say so by their names. */
export async function dockerIsMissing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "only root can start Docker's engine"
  const found = await dockerPrograms()
  return found.found ? undefined : found.why
}

/** A Docker engine of the test's own, on a socket in a private folder, without networks, with an image `app:1` of busybox. */
export async function startDocker(): Promise<DockerEngine> {
  const programs = await dockerPrograms()
  if (!programs.found) throw new Error(`no Docker to test with: ${programs.why}`)
  const temporary = await temporaryFolder()
  const engine = new DockerEngine(programs, temporary)
  try {
    await engine.start()
    return engine
  } catch (error) {
    await engine[Symbol.asyncDispose]()
    throw error
  }
}

/** Networks and firewalls of the machine are left alone. */
const apart = [
  "--iptables=false",
  "--ip6tables=false",
  "--ip-forward=false",
  "--ip-masq=false",
  "--bridge=none",
  "--userland-proxy=false",
]
const commands = ["sh", "sleep", "httpd", "env", "cat", "nc", "test", "touch", "true", "false"]

export class DockerEngine implements AsyncDisposable {
  readonly folder: string
  readonly #programs: DockerPrograms
  readonly #temporary: TemporaryFolder
  #engine: Bun.Subprocess | undefined

  constructor(programs: DockerPrograms, temporary: TemporaryFolder) {
    this.#programs = programs
    this.#temporary = temporary
    this.folder = temporary.path
  }

  /** What a program needs to find the engine and Compose. */
  get env(): Readonly<Record<string, string>> {
    return { DOCKER_HOST: `unix://${this.folder}/sock`, DOCKER_CONFIG: this.#programs.config }
  }

  async start(): Promise<void> {
    const place = [
      "-H",
      `unix://${this.folder}/sock`,
      "--data-root",
      join(this.folder, "data"),
      "--exec-root",
      join(this.folder, "exec"),
      "--pidfile",
      join(this.folder, "pid"),
    ]
    this.#engine = Bun.spawn(
      [join(this.#programs.root ?? "", "usr/sbin/dockerd"), ...place, ...apart],
      {
        env: this.#programs.env,
        stdio: ["ignore", Bun.file(join(this.folder, "log")), Bun.file(join(this.folder, "log"))],
      },
    )
    await until("the engine to answer", async () => {
      if (this.#engine?.exitCode !== null)
        throw new Error(`dockerd ended: ${await Bun.file(join(this.folder, "log")).text()}`)
      return (await this.run(["docker", "version"])).ok ? true : undefined
    })
    await this.image("app:1")
  }

  /** Another content each time, so that the same name is another image. */
  async image(name: string): Promise<void> {
    const root = await mkdtemp(join(this.folder, "image-"))
    await layOutImage(this.#programs.busybox, root, commands)
    await Bun.write(join(root, "made"), crypto.randomUUID())
    const made = await this.run([
      "sh",
      "-c",
      `tar c -C "$1" . | docker import - "$2"`,
      "sh",
      root,
      name,
    ])
    if (!made.ok) throw new Error(`docker import: ${made.err}`)
    await rm(root, { recursive: true })
  }

  /** A program in `cwd` that finds the engine; by its exit code, and what it printed. */
  async run(
    argv: readonly string[],
    cwd = this.folder,
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly ok: boolean; readonly out: string; readonly err: string }> {
    const child = Bun.spawn([...argv], {
      cwd,
      env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: this.folder, ...this.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    })
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    return { ok: child.exitCode === 0, out: out.trim(), err: err.trim() }
  }

  /** As `run`, and it must succeed. */
  async must(
    argv: readonly string[],
    cwd = this.folder,
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const ran = await this.run(argv, cwd, env)
    if (!ran.ok) throw new Error(`${argv.join(" ")}: ${ran.err}`)
    return ran.out
  }

  /** Name, id and environment of every container, in the order of their names. */
  async containers(): Promise<
    readonly {
      readonly name: string
      readonly id: string
      readonly env: readonly string[]
      readonly running: boolean
    }[]
  > {
    const ids = (await this.must(["docker", "ps", "-aq", "--no-trunc"])).split("\n").filter(Boolean)
    if (ids.length === 0) return []
    const lines = await this.must([
      "docker",
      "inspect",
      "--format",
      '{"name":{{json .Name}},"id":{{json .Id}},"env":{{json .Config.Env}},"running":{{json .State.Running}}}',
      ...ids,
    ])
    const all = lines.split("\n").map(
      (line) =>
        JSON.parse(line) as {
          name: string
          id: string
          env: readonly string[]
          running: boolean
        },
    )
    return all
      .map((one) => ({ ...one, name: one.name.slice(1) }))
      .toSorted((one, other) => one.name.localeCompare(other.name))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#engine?.exitCode === null) {
      const ids = (await this.run(["docker", "ps", "-aq"])).out.split("\n").filter(Boolean)
      if (ids.length > 0) await this.run(["docker", "rm", "-f", ...ids])
      this.#engine.kill("SIGTERM")
      await this.#engine.exited
    }
    // What the engine mounted (the netns of host networking) outlives it.
    const mounts = (await Bun.file("/proc/self/mountinfo").text())
      .split("\n")
      .flatMap((line) => line.split(" ")[4] ?? [])
    for (const mount of mounts.filter((path) => path.startsWith(`${this.folder}/`)).toReversed())
      await this.run(["umount", "-l", mount])
    await this.#temporary[Symbol.asyncDispose]()
  }
}
