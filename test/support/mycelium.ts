import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { temporaryFolder, type TemporaryFolder } from "./temp-folder.ts"

/**
 * The compiled binary, as a person runs it: in a scratch project, with folders of its own, both
 * streams and the exit code caught.
 */

export const binary =
  process.env["MYCELIUM_BINARY"] ?? fileURLToPath(new URL("../../dist/mycelium", import.meta.url))

export type Ran = {
  readonly stdout: string
  readonly stderr: string
  /** undefined where a signal ended it. */
  readonly code: number | undefined
  readonly signal: string | undefined
  readonly ms: number
}
export type RunHow = {
  readonly env?: Readonly<Record<string, string>>
  /** A program to run it under, with its arguments: strace. */
  readonly under?: readonly string[]
  readonly cwd?: string
  /** Ends it for good after so long. */
  readonly withinMs?: number
}

/** A project in a folder that goes with the test: `await using project = await layOut({ … })`. */
export async function layOut(
  files: Readonly<Record<string, string>> = {},
  config?: object | string,
): Promise<Project> {
  const project = new Project(await temporaryFolder())
  mkdirSync(project.folder, { mode: 0o700 })
  for (const [name, text] of Object.entries(files)) project.write(name, text)
  if (config !== undefined) project.configure(config)
  return project
}

export class Project implements AsyncDisposable {
  readonly root: string
  /** Where the config, the outputs and the hooks lie. */
  readonly folder: string
  readonly home: string
  readonly #temporary: TemporaryFolder

  constructor(temporary: TemporaryFolder) {
    this.#temporary = temporary
    this.root = temporary.path
    this.folder = join(temporary.path, "project")
    this.home = join(temporary.path, "home")
  }

  /** The environment that the binary gets: nothing of the test's own. */
  get environment(): Readonly<Record<string, string>> {
    return {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      HOME: this.home,
      XDG_STATE_HOME: join(this.home, "state"),
      XDG_CONFIG_HOME: join(this.home, "config"),
      LANG: "C.UTF-8",
    }
  }
  get store(): string {
    return join(this.home, "state", "mycelium")
  }
  get identityFile(): string {
    return join(this.home, "config", "mycelium", "identity.txt")
  }
  /** Of project "shop", which all tests use. */
  get stateFolder(): string {
    return join(this.store, "secrets", "shop")
  }
  statePath(environment = "production"): string {
    return join(this.stateFolder, `${environment}.json`)
  }
  auditPath(environment = "production"): string {
    return join(this.stateFolder, `${environment}.audit.jsonl`)
  }
  path(name: string): string {
    return resolve(this.folder, name)
  }

  /** The config: text as it is, an object as JSON, which YAML contains. */
  configure(config: object | string): void {
    this.write(
      "mycelium.yaml",
      typeof config === "string" ? config : `${JSON.stringify(config, null, 2)}\n`,
    )
  }
  write(name: string, text: string, mode = 0o600): void {
    const path = this.path(name)
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, text)
    chmodSync(path, mode)
  }
  /** A hook: lines for /bin/sh, run in the project's folder. Returns its path. */
  script(name: string, ...lines: readonly string[]): string {
    this.write(name, `#!/bin/sh\n${lines.join("\n")}\n`, 0o700)
    return this.path(name)
  }
  read(name: string): string {
    return readFileSync(this.path(name), "utf8")
  }
  has(name: string): boolean {
    return existsSync(this.path(name))
  }
  /** The value of one variable in a dotenv file. */
  variable(key: string, file = ".env"): string {
    const found = new RegExp(`^${key}=(.*)$`, "m").exec(this.read(file))?.[1]
    if (found === undefined) throw new Error(`${file} holds no ${key}`)
    return found
  }

  async mycelium(args: readonly string[], how: RunHow = {}): Promise<Ran> {
    if (!existsSync(binary)) throw new Error(`${binary} is missing: run scripts/build first`)
    const began = performance.now()
    const child = Bun.spawn([...(how.under ?? []), binary, ...args], {
      cwd: how.cwd ?? this.folder,
      env: { ...this.environment, ...how.env },
      stdio: ["ignore", "pipe", "pipe"],
    })
    const late = setTimeout(() => child.kill("SIGKILL"), how.withinMs ?? 120_000)
    const [stdout, stderr] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ])
    clearTimeout(late)
    return {
      stdout,
      stderr,
      code: child.exitCode ?? undefined,
      signal: child.signalCode === null ? undefined : String(child.signalCode),
      ms: performance.now() - began,
    }
  }

  /**
   * Every path below the project's root with kind, mode, owner and content: what a refused command
   * must leave as it was.
   */
  snapshot(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      below(this.root).map((path) => [path.slice(this.root.length + 1), facts(path)]),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#temporary[Symbol.asyncDispose]()
  }
}

/** A document of stdout; fails with what was said where it is none. */
export function json<T>(ran: Ran): T {
  try {
    return JSON.parse(ran.stdout) as T
  } catch {
    throw new Error(
      `no JSON on stdout (exit ${ran.code ?? ran.signal}): ${ran.stdout}${ran.stderr}`,
    )
  }
}

export function below(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? [path, ...below(path)] : [path]
  })
}

function facts(path: string): string {
  const { mode, uid, gid } = lstatSync(path)
  const content = lstatSync(path).isFile() ? readFileSync(path, "latin1") : ""
  return `${(mode & 0o170000).toString(8)} ${(mode & 0o7777).toString(8)} ${uid}:${gid} ${content}`
}

export function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8).padStart(4, "0")
}
