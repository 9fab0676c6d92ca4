import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { temporalPrograms } from "../../../scripts/servers/temporal.ts"
import { temporaryFolder } from "../temp-folder.ts"
import { hand } from "./account.ts"
import { type Child, runToEnd, startChild, untilReady } from "./child.ts"
import { freePort } from "./free-port.ts"
import type { PostgresServer } from "./postgres.ts"
import { type Ports, temporalConfig } from "./temporal-config.ts"
import type { Programs } from "../../../scripts/servers.ts"
import { usable } from "./programs.ts"
import { serversFolder } from "./servers-folder.ts"
import { until } from "./until.ts"

/** What the worker's program last said; `events` at its end: how many of each its history holds. */
export type Progress = {
  readonly steps: number
  readonly asked: number
  readonly refused: number
  readonly done?: number
  readonly events?: Readonly<Record<string, number>>
}

export const databases = { default: "temporal", visibility: "temporal_visibility" } as const

/**
 * A Temporal server on databases of `postgres` that belong to `login`; its schema is made, and it
 * is not yet started.
 */
export async function openTemporal(
  postgres: PostgresServer,
  login: { readonly user: string; readonly password: string },
): Promise<TemporalServer> {
  const programs = await usable(await temporalPrograms())
  const temporary = await temporaryFolder(serversFolder())
  await hand(temporary.path)
  for (const name of Object.values(databases))
    await postgres.sql(`create database ${name} owner ${login.user}`)
  const server = new TemporalServer(programs, temporary, postgres)
  try {
    for (const [store, name] of Object.entries(databases))
      await makeSchema(server, store, name, login)
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

const schemas: Readonly<Record<string, string>> = { default: "temporal", visibility: "visibility" }

async function makeSchema(
  { programs, folder, postgres }: TemporalServer,
  store: string,
  database: string,
  login: { readonly user: string; readonly password: string },
): Promise<void> {
  const to = ["--plugin", "postgres12", "--endpoint", postgres.host, "--port", `${postgres.port}`]
  const tool = [join(programs.bin, "sql"), ...to, "--user", login.user, "--database", database]
  const versions = join(programs.bin, "../schema", schemas[store] ?? "", "versioned")
  for (const words of [
    ["setup-schema", "-v", "0.0"],
    ["update-schema", "-d", versions],
  ])
    await runToEnd({ argv: [...tool, ...words], env: { SQL_PASSWORD: login.password }, folder })
}

/** Leave it by `await using`: what it started ends. */
export class TemporalServer implements AsyncDisposable {
  readonly programs: Programs
  readonly postgres: PostgresServer
  /** The server's account can read it. */
  readonly folder: string
  readonly config: string
  /** Of the program that starts the server, and starts it anew when it ends. */
  readonly pidFile: string
  #ports: Ports | undefined
  #child: Child | undefined
  readonly #temporary: Awaited<ReturnType<typeof temporaryFolder>>

  constructor(
    programs: Programs,
    temporary: Awaited<ReturnType<typeof temporaryFolder>>,
    postgres: PostgresServer,
  ) {
    this.programs = programs
    this.postgres = postgres
    this.folder = temporary.path
    this.config = join(temporary.path, "temporal.yaml")
    this.pidFile = join(temporary.path, "server.pid")
    this.#temporary = temporary
  }

  get address(): string {
    return `127.0.0.1:${this.#ports?.frontend ?? 0}`
  }
  /** Lists the namespaces, by HTTP: the database is asked each time. */
  get health(): string {
    return `http://127.0.0.1:${this.#ports?.http ?? 0}/api/v1/namespaces`
  }

  /** The text of its config, the datastores' passwords given by these lines. */
  async configText(passwords: readonly string[], user: string): Promise<string> {
    this.#ports ??= await freePorts()
    const { host, port } = this.postgres
    return temporalConfig({ ports: this.#ports, database: { host, port, user }, passwords })
  }

  /** With what `config` says; a supervisor starts it anew whenever it ends. */
  async start(): Promise<void> {
    const start = [
      join(this.programs.bin, "server"),
      "--config-file",
      this.config,
      "--allow-no-auth",
      "start",
    ]
    const supervisor = join(this.folder, "supervisor")
    const lines = [
      "#!/bin/sh",
      "trap 'kill -KILL $child; exit' TERM",
      "while :; do",
      `  ${start.join(" ")} &`,
      `  child=$!; echo $child > ${this.pidFile}`,
      "  wait $child",
      "done",
    ]
    await writeFile(supervisor, `${lines.join("\n")}\n`)
    await chmod(supervisor, 0o755)
    await hand(supervisor)
    const command = {
      argv: [supervisor],
      env: {},
      folder: this.folder,
      log: join(this.folder, "log"),
      ifOrphaned: "KILL",
    } as const
    this.#child = startChild(command)
    const ready = await untilReady(this.#child, command, () => this.answers())
    if (ready === "ended") throw new Error(`temporal did not start:\n${await this.log()}`)
  }

  async answers(): Promise<boolean> {
    const answer = await fetch(this.health, { signal: AbortSignal.timeout(5000) }).catch(
      () => undefined,
    )
    return answer?.ok === true
  }

  async pid(): Promise<number> {
    return Number(await Bun.file(this.pidFile).text())
  }

  log(): Promise<string> {
    return Bun.file(join(this.folder, "log")).text()
  }

  /** One workflow that runs on until `end`, and a client that asks for it all the time. */
  async startWorkflow(): Promise<Workflow> {
    const child = Bun.spawn([join(this.programs.bin, "worker"), this.address], {
      env: {},
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    })
    return new Workflow(child)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.stop("SIGTERM")
    await this.#temporary[Symbol.asyncDispose]()
  }
}

type Worker = Bun.Subprocess<"pipe", "pipe", "pipe">

export class Workflow implements AsyncDisposable {
  readonly #child: Worker
  readonly #read: Promise<void>
  #last: Progress = { steps: 0, asked: 0, refused: 0 }

  constructor(child: Worker) {
    this.#child = child
    this.#read = this.#follow()
  }

  get progress(): Progress {
    return this.#last
  }

  /** Until it has done this number of steps more. */
  async goesOn(steps: number): Promise<Progress> {
    const wanted = this.#last.steps + steps
    return until(`${steps} more steps of the workflow`, async () => {
      if (this.#child.exitCode !== null) throw new Error(await this.#child.stderr.text())
      return this.#last.steps >= wanted ? this.#last : undefined
    })
  }

  async end(): Promise<Progress> {
    await this.#child.stdin.end()
    await this.#read
    if ((await this.#child.exited) !== 0) throw new Error(await this.#child.stderr.text())
    return this.#last
  }

  async #follow(): Promise<void> {
    let rest = ""
    for await (const part of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + part).split("\n")
      rest = lines.pop() ?? ""
      const last = lines.at(-1)
      if (last !== undefined) this.#last = { ...this.#last, ...(JSON.parse(last) as Progress) }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL")
    await this.#child.exited
  }
}

async function freePorts(): Promise<Ports> {
  const names = ["frontend", "http", "history", "matching", "worker"] as const
  const found: Record<string, number> = {}
  for (const name of names) {
    found[name] = await freePort()
    found[`${name}Members`] = await freePort()
  }
  return found as Ports
}
