import { z } from "zod"
import { present } from "../../base/present.ts"
import { once } from "../../core/once.ts"
import { Argv } from "../hook-argv.ts"

// Compose's own rules; also, a name can never be taken for an option.
const service = once(() =>
  z
    .string()
    .regex(
      /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/,
      "expected the name of a compose service: letters, digits, . _ -",
    ),
)

function projectKey() {
  return z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9_-]*$/,
      "expected the name of a compose project: lower-case letters, digits, _ -",
    )
    .optional()
    .meta({
      description: "The Compose project, where containers of several have this service",
      examples: ["shop"],
    })
}

function placeKeys() {
  return {
    service: service()
      .optional()
      .meta({
        description: "The service in the compose file; this or services",
        examples: ["api"],
      }),
    services: z
      .array(service())
      .min(1, "name at least one service")
      .optional()
      .meta({ description: "Several services at once", examples: [["api", "worker"]] }),
    file: z
      .string()
      .min(1, "the path is empty")
      .optional()
      .meta({
        description: "The compose file; else the one that the containers were started with",
        examples: ["/srv/shop/compose.yaml"],
      }),
    project: projectKey(),
    command: Argv()
      .optional()
      .meta({
        description: "What to run in place of docker compose",
        default: ["docker", "compose"],
        examples: [["docker-compose"]],
      }),
  }
}
const sayOne = 'name either "service" or "services"'
const namesOne = (options: { readonly service?: unknown; readonly services?: unknown }): boolean =>
  (options.service === undefined) !== (options.services === undefined)

/** Which containers of Compose are meant. */
export const targetSchema = once(() =>
  z
    .union([service(), z.strictObject(placeKeys()).refine(namesOne, sayOne)], {
      error: "expected the name of a service, or { service, file, project }",
    })
    .meta({ examples: ["api", { service: "api", project: "shop" }] }),
)

function changesKey() {
  return z
    .boolean("expected true or false")
    .optional()
    .meta({
      description: "Recreate even if the configuration or the image is not the one that runs",
      default: false,
      examples: [true],
    })
}

export const composeSchema = once(() =>
  z
    .union(
      [
        service(),
        z.strictObject({ ...placeKeys(), allow_changes: changesKey() }).refine(namesOne, sayOne),
      ],
      { error: "expected the name of a service, or { service, file, project }" },
    )
    .meta({ examples: ["api", { service: "api", project: "shop" }] }),
)

type Written = z.output<ReturnType<typeof composeSchema>>
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
    ...present({ file, project }),
    command: full.command ?? ["docker", "compose"],
    allowChanges: full.allow_changes === true,
  }
}
