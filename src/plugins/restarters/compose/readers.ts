import { existsSync, realpathSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { z } from "zod"
import type { Reader } from "../../../core/ports.ts"
import type { Docker } from "../../docker/docker.ts"
import { type Group, projectWords } from "../../docker/group.ts"
import type { ComposeOptions } from "../../docker/options.ts"

/**
 * Which services of the compose file read these files: by `env_file`, by `${…}` from the project's
 * `.env`, as a secret or a mount.
 */

const EnvFile = z.union([z.string(), z.object({ path: z.string() })])
const Mount = z.union([z.string(), z.object({ source: z.string().optional() })])
const Service = z.looseObject({
  env_file: z.union([EnvFile, z.array(EnvFile)]).nullish(),
  volumes: z.array(Mount).nullish(),
  secrets: z.array(z.union([z.string(), z.object({ source: z.string() })])).nullish(),
})
const Model = z.object({
  services: z.record(z.string(), Service),
  secrets: z.record(z.string(), z.looseObject({ file: z.string().optional() })).nullish(),
})

export async function readersOf(
  docker: Docker,
  options: ComposeOptions,
  group: Group,
  context: { readonly targets: readonly string[]; readonly signal: AbortSignal },
): Promise<readonly Reader[]> {
  const words = [
    ...projectWords(group, options, docker.folder),
    "--profile",
    "*",
    "config",
    "--no-env-resolution",
    "--no-interpolate",
    "--format",
    "json",
  ]
  const text = await docker.askCompose(words, context.signal)
  const model = Model.parse(JSON.parse(text))
  const folder = group.workingFolder === "" ? docker.folder : group.workingFolder
  const readers: Reader[] = []
  for (const [service, definition] of Object.entries(model.services)) {
    const read = filesOf(definition, model, { folder, envFiles: group.envFiles })
    for (const target of context.targets) {
      if (read.some((file) => isWithin(target, file)))
        readers.push({
          id: `${group.project}/${service}`,
          label: `compose service ${service}`,
          target,
        })
    }
  }
  return readers
}

type EnvSource = Pick<Group, "envFiles"> & { readonly folder: string }

function filesOf(
  service: z.output<typeof Service>,
  model: z.output<typeof Model>,
  { folder, envFiles: given }: EnvSource,
): readonly string[] {
  const envFiles = [service.env_file ?? []]
    .flat()
    .map((one) => (typeof one === "string" ? one : one.path))
  const mounts = (service.volumes ?? []).flatMap((one) =>
    typeof one === "string" ? (one.split(":")[0] ?? []) : (one.source ?? []),
  )
  const secrets = (service.secrets ?? []).flatMap(
    (one) => model.secrets?.[typeof one === "string" ? one : one.source]?.file ?? [],
  )
  // Compose takes the variables of `${…}` from the file .env of the project's folder, or from those
  // that --env-file names.
  const variables = given.length === 0 ? [join(folder, ".env")] : given
  const filled = /\$\{?[A-Za-z_]/.test(JSON.stringify(service)) ? variables : []
  return [...envFiles, ...mounts.filter((one) => /^[./~]/.test(one)), ...secrets, ...filled].map(
    (file) => resolve(folder, file),
  )
}

/** The file itself, or a folder that holds it. */
function isWithin(target: string, read: string): boolean {
  const [file, place] = [real(target), real(read)]
  return file === place || file.startsWith(`${place}/`)
}

function real(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const folder = dirname(path)
  return existsSync(folder) ? join(realpathSync(folder), path.slice(folder.length)) : path
}
