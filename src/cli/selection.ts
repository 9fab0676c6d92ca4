import { AppError } from "../base/error.ts"
import type { Config } from "../config/model.ts"

/** By environment; undefined stands for all that fits. */
export type Selection = ReadonlyMap<string, readonly string[] | undefined>

export type Narrowing = { readonly all: boolean; readonly tags: readonly string[] }

/**
 * "production/redis", "production", several, or all of them; then only what has one of the tags.
 */
export function selectionOf(
  config: Config,
  args: readonly string[],
  { all, tags }: Narrowing,
): Selection {
  const named = byName(config, args, all || (tags.length > 0 && args.length === 0))
  if (tags.length === 0) return named
  const tagged = new Map(
    [...named]
      .map(
        ([environment, names]) =>
          [environment, withTag(config, { environment, names, tags })] as const,
      )
      .filter(([, names]) => names.length > 0),
  )
  if (tagged.size > 0) return tagged
  const known = [
    ...new Set(
      Object.values(config.environments).flatMap(({ secrets }) =>
        Object.values(secrets).flatMap((secret) => secret.tags),
      ),
    ),
  ]
  throw new AppError("usage", "no secret that is chosen has this tag", {
    hint: known.length === 0 ? "no secret of the config has tags" : `tags: ${known.join(", ")}`,
  })
}

function withTag(
  config: Config,
  {
    environment,
    names,
    tags,
  }: {
    readonly environment: string
    readonly names: readonly string[] | undefined
    readonly tags: readonly string[]
  },
): readonly string[] {
  const secrets = config.environments[environment]?.secrets ?? {}
  return (names ?? Object.keys(secrets)).filter(
    (name) => secrets[name]?.tags.some((tag) => tags.includes(tag)) === true,
  )
}

function byName(config: Config, args: readonly string[], all: boolean): Selection {
  const names = Object.keys(config.environments)
  if (all && args.length === 0) return new Map(names.map((name) => [name, undefined]))
  if (args.length === 0)
    throw new AppError("usage", "name what to rotate", {
      hint: `one or more of: ${names.join(" ")} (or ENV/SECRET, or --all)`,
    })
  const chosen = new Map<string, readonly string[] | undefined>()
  for (const arg of args) {
    const [environment = "", secret, more] = arg.split("/")
    const found = config.environments[environment]
    if (found === undefined || more !== undefined)
      throw new AppError(
        "usage",
        `there is no environment ${JSON.stringify(environment)} in the config`,
        { hint: `it has: ${names.join(", ")}` },
      )
    if (secret !== undefined && found.secrets[secret] === undefined)
      throw new AppError(
        "usage",
        `there is no secret ${JSON.stringify(secret)} in ${environment}`,
        { hint: `it has: ${Object.keys(found.secrets).join(", ")}` },
      )
    const before = chosen.get(environment)
    if (secret === undefined) chosen.set(environment, undefined)
    else if (before !== undefined || !chosen.has(environment))
      chosen.set(environment, [...new Set([...(before ?? []), secret])])
  }
  return chosen
}
