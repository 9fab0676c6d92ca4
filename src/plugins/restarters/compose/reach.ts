import { join } from "node:path"
import { z } from "zod"
import { AppError } from "../../../base/error.ts"
import { changeableBy } from "../../../base/files/runnable.ts"
import type { Docker } from "../../docker/docker.ts"
import { type Group, projectWords } from "../../docker/group.ts"
import type { ComposeOptions } from "../../docker/options.ts"

/**
 * What of a service's definition decides what it may do on this machine. Compose fills it with
 * variables of `.env`, and that often belongs to the application: it must not choose what we deploy.
 */

/** `environment` and `command` are left out: a rotation changes values in them. */
const reaching = (
  "image user privileged volumes volumes_from tmpfs devices device_cgroup_rules cap_add " +
  "security_opt pid ipc uts " +
  "network_mode userns_mode cgroup cgroup_parent runtime configs secrets credential_spec build extends"
).split(" ")

const Definition = z.record(z.string(), z.unknown())
const Model = z.object({
  services: z.record(z.string(), Definition),
  volumes: z.unknown().optional(),
  configs: z.unknown().optional(),
  secrets: z.unknown().optional(),
})

/** Equal texts, equal reach. Throws if Compose does not say it. */
export async function reachOf(
  docker: Docker,
  group: Group,
  { options, signal }: { readonly options: ComposeOptions; readonly signal: AbortSignal },
): Promise<string> {
  const words = [
    ...projectWords(group, options, docker.folder),
    "--profile",
    "*",
    "config",
    "--no-env-resolution",
    "--format",
    "json",
  ]
  const model = Model.parse(JSON.parse(await docker.askCompose(words, signal)))
  const { volumes, configs, secrets } = model
  const own = options.services.map((name) =>
    reaching.map((key) => [name, key, model.services[name]?.[key] ?? null]),
  )
  return JSON.stringify([own, volumes, configs, secrets])
}

/** A file that Compose takes variables from, and that another user can change. */
export async function openVariables(group: Group): Promise<string | undefined> {
  const files = group.envFiles.length > 0 ? group.envFiles : [join(group.workingFolder, ".env")]
  for (const file of files)
    if ((await changeableBy(file, { evenMissing: true })) !== undefined) return file
  return undefined
}

export function otherReach(services: readonly string[], file: string, since: string): AppError {
  return new AppError(
    "compose-changed",
    `a restart of ${services.join(", ")} would change more than its secrets${since}, ` +
      "and another user can change " +
      `${file}, from which Compose takes variables: it is not restarted`,
    {
      hint:
        `look at ${file} and at docker compose config; if both are right, ` +
        "docker compose up -d by hand puts it in place",
    },
  )
}
