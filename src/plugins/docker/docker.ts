import { AppError } from "../../base/error.ts"
import { runTrusted } from "../../base/processes/run-trusted.ts"
import { type RunResult, failureOf } from "../../base/processes/spawn.ts"
import type { HookContext } from "../../core/define.ts"
import { argvOf, dockerVariables, hookEnvironment } from "../hook-argv.ts"
import type { ComposeOptions } from "./options.ts"

/**
 * How long (ms) a look at the engine may take, and how much it may say: a large compose file is one
 * answer.
 */
const lookMs = 20_000
const keepBytes = 4 * 1024 * 1024

/**
 * The programs `docker` and `docker compose`. Compose fills `${…}` from its own environment before
 * `.env`, so of our environment it gets only what finds the engine.
 */
export class Docker {
  readonly compose: readonly string[]
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly #engine: readonly string[]

  constructor({ command }: ComposeOptions, context: HookContext) {
    this.folder = context.folder
    this.env = hookEnvironment(context, dockerVariables)
    this.compose = argvOf([...command], context.folder)
    // Of [sudo, -n, docker, compose] all but the last word; what is called otherwise says nothing
    // of the engine's own program.
    this.#engine = this.compose.at(-1) === "compose" ? this.compose.slice(0, -1) : ["docker"]
  }

  /** What `docker WORDS…` printed; throws why it failed. */
  async ask(words: readonly string[], signal: AbortSignal): Promise<string> {
    return this.#stdout([...this.#engine, ...words], signal)
  }

  /** What `docker compose WORDS…` printed; throws why it failed. */
  async askCompose(words: readonly string[], signal: AbortSignal): Promise<string> {
    return this.#stdout([...this.compose, ...words], signal)
  }

  /** Without the plug-in, Docker takes the options of Compose for unknown ones of its own. */
  async hasCompose(signal: AbortSignal): Promise<boolean> {
    const { code } = await runTrusted([...this.compose, "version"], {
      cwd: this.folder,
      env: this.env,
      timeoutMs: lookMs,
      signal,
    })
    return code === 0
  }

  async #stdout(argv: readonly string[], signal: AbortSignal): Promise<string> {
    const result = await runTrusted(argv, {
      cwd: this.folder,
      env: this.env,
      timeoutMs: lookMs,
      keepBytes,
      signal,
    })
    const failure = failureOf(argv[0] ?? "docker", result)
    if (failure === undefined) return result.stdout
    const reason = reasonOf(result)
    if (reason === undefined)
      throw new AppError("compose-failed", failure.message, {
        remedy: "retry",
        hint: `run it by hand in ${this.folder}: ${argv.join(" ")}`,
      })
    throw new AppError("compose-failed", reason.message, { remedy: "retry", hint: reason.hint })
  }
}

type Reason = { readonly message: string; readonly hint: string }
type Known = { readonly pattern: RegExp; readonly reason: (found: readonly string[]) => Reason }

/** Names that may be repeated: nothing in them can be a line of a file. */
const name = "([\\w./:@-]{1,200})"

/**
 * What Docker and Compose print of the faults that users meet. Anything else may quote a line of a
 * `.env`, and is not repeated.
 */
const known: readonly Known[] = [
  {
    pattern: /permission denied while trying to connect|dial unix \S+: connect: permission denied/,
    reason: () => ({
      message: "this user may not use Docker's socket",
      hint: "run mycelium as a user of the group docker (which is as powerful as root), or as root",
    }),
  },
  {
    pattern:
      /Cannot connect to the Docker daemon|failed to connect to the docker API|error during connect|dial unix \S+: connect: (?:no such file|connection refused)/,
    reason: () => ({
      message: "Docker's engine does not answer",
      hint: "see that it runs (docker info), and that DOCKER_HOST names its socket if it has another one",
    }),
  },
  {
    pattern:
      /unknown command: docker compose|is not a docker command|unknown (?:shorthand )?flag: /,
    reason: () => ({
      message: "Docker has no Compose here",
      hint: "install the plug-in of Compose 2 (docker compose version must answer)",
    }),
  },
  {
    pattern: new RegExp(`no such service: ${name}`),
    reason: ([service]) => ({
      message: `the compose file has no service ${service}`,
      hint: "docker compose config --services lists those that it has",
    }),
  },
  {
    pattern: /no configuration file provided/,
    reason: () => ({
      message: "no compose file was found",
      hint: "name it in the config, relative to it: { service: api, file: ../compose.yaml }",
    }),
  },
  {
    pattern: new RegExp(`open ${name}: no such file`),
    reason: ([file]) => ({
      message: `${file} does not exist`,
      hint: "correct the path in the config, or in the compose file",
    }),
  },
  {
    pattern: new RegExp(`(?:couldn't find env file: ${name}|env file ${name} not found)`),
    reason: (found) => ({
      message: `the env file ${found.find(Boolean)} does not exist`,
      hint: "correct its path in the compose file (or of --env-file), or create the file",
    }),
  },
  {
    pattern: new RegExp(
      `No such image: ${name}|pull access denied for ${name}|image ${name} not found`,
    ),
    reason: (found) => ({
      message: `the image ${found.find(Boolean)} is not on this machine`,
      hint: "docker compose pull (or build) brings it; a rotation does neither",
    }),
  },
  {
    pattern: /port is already allocated|address already in use/,
    reason: () => ({
      message: "a port that the container publishes is in use",
      hint: "see what listens there (ss -ltnp)",
    }),
  },
  {
    pattern: new RegExp(`network ${name} (?:declared as external, but could )?not (?:be )?found`),
    reason: ([network]) => ({
      message: `the network ${network} does not exist`,
      hint: "docker network ls lists those that there are",
    }),
  },
  {
    pattern: /no space left on device/,
    reason: () => ({
      message: "the engine's disk is full",
      hint: "free some space on it (docker system df)",
    }),
  },
  {
    pattern: /invalid interpolation format|yaml: |additional propert|validating /,
    reason: () => ({
      message: "the compose file is not valid",
      hint: "docker compose config says what is wrong",
    }),
  },
]

/** Why a call failed, in words that hold no value; undefined where that is not known. */
export function reasonOf({
  stderr,
  stdout,
}: Pick<RunResult, "stderr" | "stdout">): Reason | undefined {
  const text = `${stderr}\n${stdout}`
  for (const { pattern, reason } of known) {
    const found = pattern.exec(text)
    if (found !== null) return reason(found.slice(1))
  }
  return undefined
}

/** Does the failure say that an option is not known: a Compose that is too old for it? */
export function isTooOld({ stderr }: Pick<RunResult, "stderr">): boolean {
  return /unknown (?:shorthand )?flag/.test(stderr)
}
