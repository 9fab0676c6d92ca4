import { z } from "zod"
import { runTrusted } from "../../../base/processes/run-trusted.ts"
import type { RunResult } from "../../../base/processes/spawn.ts"
import type { Finding } from "../../../core/ports.ts"
import type { Container } from "../../docker/containers.ts"
import { type Docker, isTooOld, reasonOf } from "../../docker/docker.ts"
import { type Group, projectWords, scaleWords } from "../../docker/group.ts"
import type { ComposeOptions } from "../../docker/options.ts"

/**
 * Would `up` put anything in place that does not run now? Compose itself is asked, by a dry run of
 * its own.
 */

const Line = z.object({ id: z.string(), status: z.string() })

const dryRunMs = 20_000

export async function changesOf(
  docker: Docker,
  options: ComposeOptions,
  group: Group,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const result = await dryRun(docker, options, group, signal)
  if (result.code !== 0)
    return [
      isTooOld(result) && (await docker.hasCompose(signal)) ? tooOld : refusal(reasonOf(result)),
    ]
  const changed = changedIn(`${result.stderr}\n${result.stdout}`)
  if (changed.length === 0) return []
  const why = await reasons(docker, group, signal)
  const what = options.services.join(", ")
  if (options.allowChanges)
    return [
      {
        code: "compose-changed",
        severity: "warning",
        message: `a restart of ${what} deploys more than its secrets (allow_changes): ${why}`,
      },
    ]
  return [
    {
      code: "compose-changed",
      severity: "error",
      message: `a restart of ${what} would change more than its secrets: ${why}`,
      remedy: toBringUpToDate(docker, options, group),
    },
  ]
}

function dryRun(
  docker: Docker,
  options: ComposeOptions,
  group: Group,
  signal: AbortSignal,
): Promise<RunResult> {
  const words = ["--progress", "json", ...projectWords(group, options, docker.folder)]
  const up = ["--dry-run", "up", "-d", ...quiet, ...scaleWords(group), ...options.services]
  return runTrusted([...docker.compose, ...words, ...up], {
    cwd: docker.folder,
    env: docker.env,
    timeoutMs: dryRunMs,
    signal,
  })
}

function toBringUpToDate(docker: Docker, options: ComposeOptions, group: Group): string {
  const scale = group.containers.length > options.services.length ? scaleWords(group) : []
  const up = [
    ...docker.compose,
    ...projectWords(group, options, docker.folder),
    "up",
    "-d",
    ...scale,
    ...options.services,
  ].join(" ")
  return (
    `bring it up to date yourself first (${up}; what variables of a shell gave it belongs into ` +
    ".env), or say compose: { service: …, allow_changes: true } in the config"
  )
}

/** A rotation builds nothing, pulls nothing, and starts nothing else. */
export const quiet = ["--no-deps", "--no-build", "--pull", "never"] as const

const tooOld: Finding = {
  code: "compose-old",
  severity: "warning",
  message: "this Compose is too old to say whether a restart would change more than the secrets",
  remedy: "install Compose 2.30 or newer",
}

function refusal(reason: ReturnType<typeof reasonOf>): Finding {
  const message = reason?.message ?? "docker compose up would fail, by its own dry run"
  return {
    code: "compose-failed",
    severity: "error",
    message,
    remedy: reason?.hint ?? "docker compose up --dry-run says why",
  }
}

/** Containers of which Compose says anything but that they run. */
function changedIn(text: string): readonly string[] {
  const changed = new Set<string>()
  for (const line of text.split("\n")) {
    if (!line.startsWith("{")) continue
    const read = Line.safeParse(parsed(line))
    if (read.success && read.data.id.startsWith("Container ") && read.data.status !== "Running")
      changed.add(read.data.id)
  }
  return [...changed]
}

/** A line that was cut off says nothing. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

async function reasons(docker: Docker, group: Group, signal: AbortSignal): Promise<string> {
  const other = await otherImage(docker, group.containers, signal)
  if (other !== undefined)
    return `${other.imageName} is another image than the one that ${other.name} runs`
  const down = group.containers.find(({ state }) => state !== "running")
  if (down !== undefined) return `${down.name} is ${down.state}`
  return "the compose file, its variables or its env files are not those that it was started with"
}

async function otherImage(
  docker: Docker,
  containers: readonly Container[],
  signal: AbortSignal,
): Promise<Container | undefined> {
  for (const one of containers) {
    const id = await docker
      .ask(["image", "inspect", "--format", "{{.Id}}", one.imageName], signal)
      .catch(() => "")
    if (id.trim() !== one.image) return one
  }
  return undefined
}
