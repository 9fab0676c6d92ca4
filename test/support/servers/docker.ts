import { existsSync, readFileSync, readdirSync, rmdirSync } from "node:fs"
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
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
  const apart = Bun.spawnSync([
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--mount-proc",
    "mount",
    "-t",
    "tmpfs",
    "none",
    "/mnt",
  ])
  if (!apart.success) return "this root may not make namespaces and mounts"
  if (cgroupFolders().length === 0) return "no cgroups are mounted here"
  const found = await dockerPrograms()
  return found.found ? undefined : found.why
}

/** The folder of each cgroup hierarchy: one with version 2, several with version 1. */
function cgroupFolders(): readonly string[] {
  const root = "/sys/fs/cgroup"
  const lines = readFileSync("/proc/self/mounts", "utf8").split("\n")
  return lines.flatMap((line) => {
    const [, place = "", kind = ""] = line.split(" ")
    return kind.startsWith("cgroup") && place.startsWith(root) ? [place] : []
  })
}

/** A Docker engine of the test's own, without networks, with an image `app:1` of busybox. */
export async function startDocker(): Promise<DockerEngine> {
  const programs = await dockerPrograms()
  if (!programs.found) throw new Error(`no Docker to test with: ${programs.why}`)
  const engine = new DockerEngine(programs, await temporaryFolder())
  try {
    await engine.start()
    return engine
  } catch (error) {
    await engine[Symbol.asyncDispose]()
    throw error
  }
}

/** Networks and firewalls of the machine are left alone. */
const withoutNetwork = (
  "--iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --bridge=none " +
  "--userland-proxy=false"
).split(" ")
const commands = [
  "sh",
  "sleep",
  "httpd",
  "env",
  "cat",
  "nc",
  "test",
  "touch",
  "true",
  "false",
  "grep",
]

/**
 * In namespaces of processes and mounts of its own: whatever it starts and mounts ends with it,
 * also if the test is killed, and what the machine has in these folders (its own containerd's
 * socket) is out of reach.
 */
const begin =
  'for place in /run/containerd /run/docker; do mkdir -p "$place" && mount -t tmpfs none ' +
  '"$place"; done; exec "$@"'
const alone =
  "setpriv --pdeathsig=KILL -- unshare --mount --pid --fork --kill-child --mount-proc".split(" ")
const apart = [...alone, "sh", "-c", begin, "sh"]

export type EngineContainer = {
  readonly name: string
  readonly id: string
  readonly image: string
  readonly env: readonly string[] | null
  readonly labels: Readonly<Record<string, string>>
  /** "running", "exited", "restarting", … */
  readonly state: string
  readonly running: boolean
  readonly health: string | null
  /** In the engine's own namespace; 0 where it does not run. */
  readonly pid: number
}
const template = [
  '{"name":{{json .Name}},"id":{{json .ID}},"image":{{json .Image}},"env":{{json ' +
    '.Config.Env}},"labels":{{json .Config.Labels}}',
  '"state":{{json .State.Status}},"running":{{json .State.Running}},"pid":{{json .State.Pid}}',
  '"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}null{{end}}}',
].join(",")

type Answer = { readonly ok: boolean; readonly out: string; readonly err: string }

export class DockerEngine implements AsyncDisposable {
  readonly folder: string
  readonly #programs: DockerPrograms
  readonly #temporary: TemporaryFolder
  readonly #cgroup = `mycelium-${process.pid}-${crypto.randomUUID().slice(0, 8)}`
  #engine: Bun.Subprocess | undefined

  constructor(programs: DockerPrograms, temporary: TemporaryFolder) {
    this.#programs = programs
    this.#temporary = temporary
    this.folder = temporary.path
  }

  /** What a program needs to find the engine and Compose. */
  get env(): Readonly<Record<string, string>> {
    return { DOCKER_HOST: `unix://${this.socket}`, DOCKER_CONFIG: this.#programs.config }
  }
  get socket(): string {
    return join(this.folder, "sock")
  }
  /** The program `docker` of this engine. */
  get docker(): string {
    return join(this.#programs.bin, "docker")
  }
  /**
   * In front of a program: on its PATH, as on a machine where Docker is installed, lies this
   * engine's `docker` (or none).
   */
  under(which: "docker" | "no docker" = "docker"): readonly string[] {
    const local = join(this.folder, which === "docker" ? "local" : "bare")
    const hide =
      'mount --bind "$1" /usr/local/bin; for one in /usr/bin/docker /bin/docker; ' +
      'do [ ! -e "$one" ] || mount --bind "$0" "$one"; done'
    return [
      "unshare",
      "--mount",
      "sh",
      "-c",
      `${hide}; shift; exec "$@"`,
      which === "docker" ? this.docker : "/dev/null",
      local,
    ]
  }

  async start(): Promise<void> {
    await this.#layOut()
    const at = (name: string): string => join(this.folder, name)
    const files = {
      "config-file": at("daemon.json"),
      pidfile: at("pid"),
      "data-root": at("data"),
      "exec-root": at("exec"),
    }
    const options = { host: `unix://${this.socket}`, ...files, "cgroup-parent": `/${this.#cgroup}` }
    const place = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
    const root = this.#programs.root ?? ""
    const argv = [
      ...apart,
      join(root, "usr/bin/tini-static"),
      "--",
      join(root, "usr/sbin/dockerd"),
      ...place,
      ...withoutNetwork,
    ]
    this.#engine = Bun.spawn(argv, {
      env: this.#programs.env,
      stdio: ["ignore", Bun.file(at("log")), Bun.file(at("log"))],
    })
    await until("the engine to answer", async () => {
      if (this.#ended) throw new Error(`dockerd ended: ${await Bun.file(at("log")).text()}`)
      return (await this.run(["docker", "version"])).ok ? true : undefined
    })
    await this.image("app:1")
  }

  async #layOut(): Promise<void> {
    await chmod(this.folder, 0o711)
    for (const name of ["local", "bare"]) await mkdir(join(this.folder, name))
    await symlink(this.docker, join(this.folder, "local/docker"))
    // Not to be found in its options; the default is in /etc.
    await writeFile(
      join(this.folder, "daemon.json"),
      JSON.stringify({ "deprecated-key-path": join(this.folder, "key.json") }),
    )
  }

  get #ended(): boolean {
    return (
      this.#engine === undefined ||
      this.#engine.exitCode !== null ||
      this.#engine.signalCode !== null
    )
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
  ): Promise<Answer> {
    const own = { PATH: `${this.#programs.bin}:/usr/bin:/bin`, HOME: this.folder, ...this.env }
    const child = Bun.spawn([...argv], {
      cwd,
      env: { ...own, ...env },
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

  /** Every container, in the order of their names. */
  async containers(): Promise<readonly EngineContainer[]> {
    const ids = linesOf(await this.must(["docker", "ps", "-aq", "--no-trunc"]))
    if (ids.length === 0) return []
    const inspected = await this.run([
      "docker",
      "inspect",
      "--type",
      "container",
      "--format",
      template,
      ...ids,
    ])
    // One of them is gone meanwhile.
    if (inspected.err.includes("No such container")) return this.containers()
    if (!inspected.ok) throw new Error(`docker inspect: ${inspected.err}`)
    const all = linesOf(inspected.out).map((line) => JSON.parse(line) as EngineContainer)
    return all
      .map((one) => ({ ...one, name: one.name.slice(1) }))
      .toSorted((one, other) => one.name.localeCompare(other.name))
  }

  /** What the kernel says of the environment of a container's first process. */
  environ({ pid }: EngineContainer): readonly string[] {
    const file = `/proc/${this.#init()}/root/proc/${pid}/environ`
    // It may have ended since it was listed.
    if (!existsSync(file)) return []
    return readFileSync(file, "utf8").split("\0").filter(Boolean)
  }

  /** As the kernel ends a process when memory is short: Docker was not asked to. */
  async killProcess({ pid }: EngineContainer): Promise<void> {
    await this.must(["nsenter", "-t", this.#init(), "--pid", "kill", "-KILL", String(pid)])
  }

  /** The first process of the engine's own namespace, as the machine counts. */
  #init(): string {
    const file = `/proc/${this.#engine?.pid}/task/${this.#engine?.pid}/children`
    return readFileSync(file, "utf8").split(" ")[0] ?? ""
  }

  /** The services of Compose whose containers were made since then (seconds), one line for each time. */
  async madeSince(seconds: number): Promise<readonly string[]> {
    const range = ["--since", seconds.toFixed(3), "--until", (Date.now() / 1000).toFixed(3)]
    const only = ["--filter", "type=container", "--filter", "event=create"]
    const show = ["--format", '{{index .Actor.Attributes "com.docker.compose.service"}}']
    return linesOf(await this.must(["docker", "events", ...range, ...only, ...show]))
  }

  /** All containers go. */
  async clear(): Promise<void> {
    const ids = linesOf((await this.run(["docker", "ps", "-aq"])).out)
    if (ids.length > 0) await this.run(["docker", "rm", "-f", ...ids])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) {
      await this.clear()
      this.#engine?.kill("SIGKILL")
      await this.#engine?.exited
    }
    await until("the engine's processes to be gone", async () => removeCgroups(this.#cgroup))
    await this.#temporary[Symbol.asyncDispose]()
  }
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter(Boolean)
}

/** True once they are gone; a cgroup that still holds a process stays. */
function removeCgroups(name: string): true | undefined {
  let gone: true | undefined = true
  for (const folder of cgroupFolders()) {
    try {
      for (const inner of readdirSync(join(folder, name), { withFileTypes: true }))
        if (inner.isDirectory()) rmdirSync(join(folder, name, inner.name))
      rmdirSync(join(folder, name))
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") continue
      gone = undefined
    }
  }
  return gone
}
