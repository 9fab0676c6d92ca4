import { randomBytes } from "node:crypto"
import { expect } from "bun:test"
import { layOut, type Project, type Ran } from "./mycelium.ts"
import type { DockerEngine, EngineContainer } from "./servers/docker.ts"

/**
 * A Compose app beside the binary, on a real engine: a folder with a compose file, a `.env` and a
 * config whose only secret is a generated KEY. It says what runs, by what the engine and the kernel
 * say of each container.
 */

export type Service = Readonly<Record<string, unknown>>

/** A program that runs until it is told to end, and reads `.env`. */
export const api: Service = {
  image: "app:1",
  command: ["sleep", "1000"],
  network_mode: "host",
  stop_grace_period: "0s",
  env_file: ".env",
}

/**
 * With a check that asks for nothing: what has none is watched for two seconds, and these tests
 * look for themselves.
 */
export function quick(compose: unknown = "api"): object {
  return { compose, healthy: { command: ["true"] } }
}

export type AppOptions = {
  readonly services?: Readonly<Record<string, Service>>
  /** More at the top of the compose file: `name`, `secrets`. */
  readonly top?: Service
  /** Several compose files, in place of `services`. */
  readonly files?: Readonly<Record<string, object>>
  /** `quick`, if left out. */
  readonly deployment?: object
  /** Where the config lies, and what it writes, seen from the project's folder. */
  readonly config?: string
  readonly output?: string
  /** More lines of `.env`. */
  readonly lines?: string
}

export async function openApp(engine: DockerEngine, options: AppOptions = {}): Promise<ComposeApp> {
  const old = `Old-${randomBytes(12).toString("hex")}`
  const files = options.files ?? {
    "compose.yaml": { ...options.top, services: options.services ?? { api } },
  }
  const texts = Object.entries(files).map(([name, file]) => [name, JSON.stringify(file)])
  const project = await layOut({
    ...Object.fromEntries(texts),
    ".env": `KEY=${old}\n${options.lines ?? ""}`,
  })
  const app = new ComposeApp(engine, project, { ...options, old })
  app.configure({ api: options.deployment ?? quick() })
  for (const words of [["init"], ["adopt", "production"]]) {
    const { code, stdout, stderr } = await app.mycelium(words)
    if (code !== 0) throw new Error(`${words[0]} ended with ${code}: ${stdout}${stderr}`)
  }
  return app
}

export class ComposeApp implements AsyncDisposable {
  readonly engine: DockerEngine
  readonly project: Project
  readonly old: string
  readonly #options: AppOptions
  #seen: readonly EngineContainer[] = []

  constructor(
    engine: DockerEngine,
    project: Project,
    { old, ...options }: AppOptions & { readonly old: string },
  ) {
    this.engine = engine
    this.project = project
    this.old = old
    this.#options = options
  }

  get folder(): string {
    return this.project.folder
  }
  /** What `.env` shows now. */
  get key(): string {
    return this.project.variable("KEY")
  }

  configure(deployments: Readonly<Record<string, object>>): void {
    const { config = "mycelium.yaml", output = ".env" } = this.#options
    const production = {
      rotate_every: "90d",
      secrets: { key: "generated" },
      outputs: [
        { dotenv: output, for: "compose", merge: true, variables: { KEY: "{{ key.password }}" } },
      ],
      deployments,
    }
    this.project.write(config, JSON.stringify({ project: "shop", environments: { production } }))
  }

  /** Only the services, at the first compose file's place. */
  edit(services: Readonly<Record<string, Service>>): void {
    this.project.write("compose.yaml", JSON.stringify({ ...this.#options.top, services }))
  }

  /** As a person does in this folder: `docker compose WORD…`. */
  compose(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.engine.must(["docker", "compose", ...words], this.folder, env)
  }

  /** The binary, where `docker` is installed. */
  mycelium(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const { config } = this.#options
    const named = config === undefined ? [] : ["--config", this.project.path(config)]
    return this.project.mycelium([...words, ...named], {
      under: this.engine.under(),
      env: { ...this.engine.env, ...env },
    })
  }

  /** Starts it as a person does, and remembers which containers there are. */
  async up(
    words: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
    more: readonly string[] = [],
  ): Promise<void> {
    await this.compose([...words, "up", "-d", ...more], env)
    await this.remember()
  }
  async remember(): Promise<void> {
    this.#seen = await this.engine.containers()
  }

  /**
   * Each container: its name, which value it holds (by `docker inspect` and, where it runs, by the
   * kernel), and whether it is another container than the one that was remembered. Never a value.
   */
  async containers(): Promise<readonly string[]> {
    const all = await this.engine.containers()
    return all.map((one) => {
      const inspected = this.#valueIn(one.env)
      const actual = one.running ? this.#valueIn(this.engine.environ(one)) : inspected
      const value =
        inspected === actual ? inspected : `${inspected} by inspect, ${actual} in its process`
      const anew = this.#seen.some(({ id }) => id === one.id) ? "kept" : "made anew"
      return `${one.name}: ${value}, ${anew}${one.running ? "" : `, ${one.state}`}`
    })
  }

  #valueIn(env: readonly string[] | null): string {
    const value = env?.find((one) => one.startsWith("KEY="))?.slice(4)
    if (value === undefined) return "no value"
    if (value === this.old) return "old"
    return value === this.key ? "new" : "another"
  }

  /** A rotation that must succeed: what it said, and which services' containers were made in it. */
  async rotate(): Promise<{ readonly said: string; readonly made: readonly string[] }> {
    const began = Date.now() / 1000
    const ran = await this.mycelium(["rotate-now", "production"])
    expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining("production/key: rotated")])
    expect(this.key).not.toBe(this.old)
    return { said: ran.stdout, made: await this.engine.madeSince(began) }
  }

  /**
   * A rotation that must not begin: the same in the dry run, no value is made, no container is
   * touched. Answers what it said.
   */
  async refused(env: Readonly<Record<string, string>> = {}): Promise<string> {
    const [began, before] = [Date.now() / 1000, await this.engine.containers()]
    const dry = await this.mycelium(["rotate-now", "production", "--dry-run"], env)
    const ran = await this.mycelium(["rotate-now", "production"], env)
    expect([ran.code, this.key]).toEqual([1, this.old])
    expect(await this.engine.containers()).toEqual(before)
    expect(await this.engine.madeSince(began)).toEqual([])
    const [inDry, inRun] = [dry.stdout, ran.stdout].map(
      (text) => /\(([a-z]+-[a-z-]+)\)/.exec(text)?.[1],
    )
    expect([inDry, inRun]).toEqual([inRun, expect.any(String)])
    return ran.stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.clear()
    await this.project[Symbol.asyncDispose]()
  }
}
