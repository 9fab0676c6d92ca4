import { z } from "zod"
import type { Docker } from "./docker.ts"

/**
 * The containers of the services, whatever started them: Compose labels each with its project,
 * folder and files.
 */

export type Container = {
  readonly id: string
  readonly name: string
  readonly project: string
  readonly service: string
  readonly workingFolder: string
  readonly files: readonly string[]
  /** Of `--env-file`; none where it was started without. */
  readonly envFiles: readonly string[]
  /** "running", "exited", "restarting", "created", "paused", "dead". */
  readonly state: string
  readonly exitCode: number
  readonly startedAt: string
  /** How often its restart policy has started it again. */
  readonly restarts: number
  /** What its own health check says; undefined where it has none. */
  readonly health: string | undefined
  /** The id of the image that it runs, and the name by which it was asked for. */
  readonly image: string
  readonly imageName: string
}

const Inspected = z.object({
  id: z.string(),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  state: z.string(),
  exitCode: z.number(),
  startedAt: z.string(),
  restarts: z.number(),
  health: z.string().nullable(),
  image: z.string(),
  imageName: z.string(),
})

/**
 * One line of JSON a container: `inspect` alone would bring its environment, too, and the output of
 * its health checks.
 */
const template = [
  '{"id":{{json .ID}},"name":{{json .Name}},"labels":{{json .Config.Labels}},"state":{{json .State.Status}}',
  '"exitCode":{{json .State.ExitCode}},"startedAt":{{json ' +
    '.State.StartedAt}},"restarts":{{json .RestartCount}},"health":{{if .State.Health}}{{json ' +
    ".State.Health.Status}}{{else}}null{{end}}",
  '"image":{{json .Image}},"imageName":{{json .Config.Image}}}',
].join(",")

const label = "com.docker.compose"

type Which = {
  readonly services: readonly string[] /** In any, if left out. */
  readonly project?: string
}

/** Every container of these services on the engine. */
export async function containersOf(
  docker: Docker,
  which: Which,
  signal: AbortSignal,
): Promise<readonly Container[]> {
  for (let tries = 1; ; tries++) {
    const ids = await idsOf(docker, which, signal)
    if (ids.length === 0) return []
    try {
      const text = await docker.ask(
        ["inspect", "--type", "container", "--format", template, ...ids],
        signal,
      )
      return text
        .split("\n")
        .filter(Boolean)
        .flatMap((line) => containerOf(Inspected.parse(JSON.parse(line))))
    } catch (error) {
      // One that was there is gone meanwhile: another project's, or what `compose run` had left.
      if (tries === looksMost || (await idsOf(docker, which, signal)).join() === ids.join())
        throw error
    }
  }
}

const looksMost = 5

async function idsOf(
  docker: Docker,
  { services, project }: Which,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const within = project === undefined ? [] : ["--filter", `label=${label}.project=${project}`]
  const lists = await Promise.all(
    services.map((service) =>
      docker.ask(
        [
          "ps",
          "-a",
          "-q",
          "--no-trunc",
          "--filter",
          `label=${label}.service=${service}`,
          ...within,
        ],
        signal,
      ),
    ),
  )
  return lists.flatMap((text) => text.split("\n").filter(Boolean))
}

/** What `compose run` left is no part of the service. */
function containerOf({
  labels,
  health,
  name,
  ...rest
}: z.output<typeof Inspected>): readonly Container[] {
  const of = (key: string): string => labels[`${label}.${key}`] ?? ""
  if (of("oneoff").toLowerCase() === "true") return []
  const [files, envFiles] = ["config_files", "environment_file"].map((key) =>
    of(`project.${key}`).split(",").filter(Boolean),
  )
  const place = {
    project: of("project"),
    service: of("service"),
    workingFolder: of("project.working_dir"),
    files: files ?? [],
    envFiles: envFiles ?? [],
  }
  return [{ ...rest, ...place, name: name.replace(/^\//, ""), health: health ?? undefined }]
}
