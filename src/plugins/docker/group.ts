import { existsSync, realpathSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { AppError } from "../../base/error.ts"
import { defaultFiles, fileWords } from "./compose-files.ts"
import { type Container, containersOf } from "./containers.ts"
import type { Docker } from "./docker.ts"
import type { ComposeOptions } from "./options.ts"

/** One project's containers of the services. */
export type Group = {
  readonly project: string
  readonly workingFolder: string
  readonly files: readonly string[]
  readonly envFiles: readonly string[]
  readonly containers: readonly Container[]
}

/**
 * The containers that the config means; throws where none, several projects, or only those of
 * others fit.
 */
export async function findGroup(
  docker: Docker,
  options: ComposeOptions,
  signal: AbortSignal,
): Promise<Group> {
  const all = await containersOf(docker, options, signal)
  const fitting = all.filter((one) => fits(one, options, docker.folder))
  const projects = [...new Set(fitting.map(({ project }) => project))].toSorted()
  const [project] = projects
  const services = options.services.join(", ")
  if (projects.length > 1) {
    throw new AppError(
      "compose-project",
      `service ${services} runs in several projects: ${projects.join(", ")}`,
      { hint: `name the one that is meant in the config: ${example(options, projects[0] ?? "")}` },
    )
  }
  if (project === undefined) throw await noneFits(docker, options, all, signal)
  const containers = fitting.filter((one) => one.project === project)
  const missing = options.services.find(
    (service) => !containers.some((one) => one.service === service),
  )
  if (missing !== undefined) {
    throw new AppError(
      "compose-missing",
      `project ${project} has no container of service ${missing}`,
      {
        hint: `start it once (docker compose -p ${project} up -d ${missing}), or take it out of the config`,
      },
    )
  }
  const [first] = containers
  return {
    project,
    workingFolder: first?.workingFolder ?? "",
    files: first?.files ?? [],
    envFiles: first?.envFiles ?? [],
    containers,
  }
}

function example({ services }: ComposeOptions, project: string): string {
  const named =
    services.length === 1 ? `service: ${services[0]}` : `services: [${services.join(", ")}]`
  return `compose: { ${named}, project: ${project} }`
}

function fits(container: Container, { project, file }: ComposeOptions, folder: string): boolean {
  if (project !== undefined) return container.project === project
  const meant =
    file === undefined ? defaultFiles.map((one) => join(folder, one)) : [resolve(folder, file)]
  if (container.files.some((one) => meant.some((path) => isSame(path, one)))) return true
  return file === undefined && isSame(container.workingFolder, folder)
}

/** The same place on this machine, however it is written. */
function isSame(one: string, other: string): boolean {
  return (
    one === other ||
    (existsSync(one) && existsSync(other) && realpathSync(one) === realpathSync(other))
  )
}

async function noneFits(
  docker: Docker,
  options: ComposeOptions,
  all: readonly Container[],
  signal: AbortSignal,
): Promise<AppError> {
  const services = options.services.join(", ")
  const [other] = all
  if (other !== undefined) {
    const meant =
      options.project === undefined
        ? `was started from ${folderOf(options, docker.folder)}`
        : `belongs to project ${options.project}`
    const where = `project ${other.project}, started from ${other.workingFolder}`
    return new AppError(
      "compose-project",
      `no container of service ${services} ${meant}; there is ${other.name} in ${where}`,
      { hint: `if that one is meant, say so in the config: ${example(options, other.project)}` },
    )
  }
  // Compose's own words on the file come first: a service that does not exist, a file that cannot
  // be read.
  const known = (
    await docker.askCompose([...fileWords(options, docker.folder), "config", "--services"], signal)
  ).split("\n")
  const unknown = options.services.find((service) => !known.includes(service))
  if (unknown !== undefined)
    return new AppError("compose-service", `the compose file has no service ${unknown}`, {
      hint: "docker compose config --services lists those that it has",
    })
  return new AppError("compose-missing", `service ${services} has no container`, {
    hint:
      `start it once (docker compose up -d ${options.services.join(" ")}), ` +
      "or take the deployment out of the config",
  })
}

function folderOf({ file }: ComposeOptions, folder: string): string {
  return file === undefined ? folder : dirname(resolve(folder, file))
}

/**
 * How Compose is told of exactly this project: its files, folder and variables as it was started,
 * where they lie here too.
 */
export function projectWords(
  group: Group,
  options: ComposeOptions,
  folder: string,
): readonly string[] {
  const own =
    options.file === undefined &&
    group.files.length > 0 &&
    [...group.files, group.workingFolder].every((path) => existsSync(path))
  const files = own
    ? ["--project-directory", group.workingFolder, ...group.files.flatMap((file) => ["-f", file])]
    : fileWords(options, folder)
  return ["-p", group.project, ...files, ...group.envFiles.flatMap((file) => ["--env-file", file])]
}

/** As many containers of each service as run now: `up` alone would go back to the file's number. */
export function scaleWords(group: Group): readonly string[] {
  const counts = Map.groupBy(group.containers, ({ service }) => service)
  return [...counts].flatMap(([service, containers]) => [
    "--scale",
    `${service}=${containers.length}`,
  ])
}

export function isStopped(group: Group): boolean {
  return group.containers.every(({ state }) => ["exited", "created", "dead"].includes(state))
}

/** "container shop-api-1 of project shop". */
export function inWords({ project, containers }: Group): string {
  return (
    `container${containers.length === 1 ? "" : "s"} ` +
    `${containers.map(({ name }) => name).join(", ")} of project ${project}`
  )
}
