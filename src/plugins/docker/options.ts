import { z } from "zod"
import { Argv } from "../hook-argv.ts"

// Compose's own rules; also, a name can never be taken for an option.
const Service = z
  .string()
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/,
    "expected the name of a compose service: letters, digits, . _ -",
  )
const Project = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]*$/,
    "expected the name of a compose project: lower-case letters, digits, _ -",
  )

const where = {
  service: Service.optional(),
  services: z.array(Service).min(1, "name at least one service").optional(),
  file: z.string().min(1, "the path is empty").optional(),
  project: Project.optional(),
  /** In place of [docker, compose]. */
  command: Argv.optional(),
}
const sayOne = 'name either "service" or "services"'
const namesOne = (options: { readonly service?: unknown; readonly services?: unknown }): boolean =>
  (options.service === undefined) !== (options.services === undefined)

/** Which containers of Compose are meant. */
export const Target = z.union([Service, z.strictObject(where).refine(namesOne, sayOne)], {
  error: "expected the name of a service, or { service, file, project }",
})

const Full = z.strictObject({
  ...where,
  /** Recreate although the configuration or the image is not the one that runs. */
  allow_changes: z.boolean("expected true or false").optional(),
})
export const Options = z.union([Service, Full.refine(namesOne, sayOne)], {
  error: "expected the name of a service, or { service, file, project }",
})

type Written = z.output<typeof Options>
export type ComposeOptions = {
  readonly services: readonly string[]
  readonly file?: string
  readonly project?: string
  readonly command: readonly [string, ...string[]]
  readonly allowChanges: boolean
}

/** Both ways of writing it, as one. */
export function composeOptions(written: Written): ComposeOptions {
  const full = typeof written === "string" ? { service: written } : written
  const { file, project } = full
  return {
    services: full.services ?? (full.service === undefined ? [] : [full.service]),
    ...(file === undefined ? {} : { file }),
    ...(project === undefined ? {} : { project }),
    command: full.command ?? ["docker", "compose"],
    allowChanges: full.allow_changes === true,
  }
}
