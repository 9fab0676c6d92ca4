import { resolve } from "node:path"
import { z } from "zod"
import { defineRestarter } from "../../core/define.ts"
import { Argv, argvOf, hookEnvironment } from "../hook-argv.ts"
import { runHook } from "../run-hook.ts"

/**
 * Recreates services of Docker Compose: `restart` does not read `env_file` again, `up --force-recreate` does. Compose
 * fills `${…}` from its own environment before `.env`, so it gets nothing of ours but what finds the Docker daemon.
 */

// Compose's own rules; also, a name can never be taken for an option.
const Service = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, "expected the name of a compose service: letters, digits, . _ -")
const Project = z.string().regex(/^[a-z0-9][a-z0-9_-]*$/, "expected the name of a compose project: lower-case letters, digits, _ -")
const Full = z
  .strictObject({
    service: Service.optional(),
    services: z.array(Service).min(1, "name at least one service").optional(),
    file: z.string().min(1, "the path is empty").optional(),
    project: Project.optional(),
    /** In place of [docker, compose]. */
    command: Argv.optional(),
  })
  .refine((options) => (options.service === undefined) !== (options.services === undefined), 'name either "service" or "services"')

const dockerVariables = ["DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "XDG_RUNTIME_DIR"]

export const compose = defineRestarter({
  type: "compose",
  summary: "recreates services of Docker Compose",
  options: z.union([Service, Full], { error: "expected the name of a service, or { service, file, project }" }),
  open: (options, reach) => {
    const full: z.output<typeof Full> = typeof options === "string" ? { service: options } : options
    const services = full.services ?? (full.service === undefined ? [] : [full.service])
    const argv = [
      ...argvOf(full.command ?? ["docker", "compose"], reach.folder),
      ...(full.file === undefined ? [] : ["-f", resolve(reach.folder, full.file)]),
      ...(full.project === undefined ? [] : ["-p", full.project]),
      "up",
      "-d",
      "--no-deps",
      "--force-recreate",
      ...services,
    ]
    const says = `compose ${services.join(", ")}`
    const hook = { says, argv, cwd: reach.folder, env: hookEnvironment(reach, dockerVariables) }
    return { says: `${says}, recreated`, restart: (mark, signal) => runHook(hook, mark, signal) }
  },
})
