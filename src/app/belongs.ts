import { statSync } from "node:fs"
import { AppError, systemCode } from "../base/error.ts"
import { loadConfig } from "../config/load.ts"
import type { Config, EnvironmentConfig } from "../config/model.ts"
import { rotatedLogins } from "../core/logins.ts"
import type { StateDocument } from "../core/state.ts"
import type { Work } from "../rotate/work.ts"
import type { App } from "./app.ts"
import { loginsOf, placesOf } from "./logins-of.ts"

/**
 * A state belongs to one config: two that name the same project would show each other's values.
 * Whose it is, the path says of the config that wrote it last; a path alone refuses nothing, for a
 * config may be moved or copied. What decides is that the other config is still there, has the same
 * project, and that its secrets have other logins.
 */

type Asking = Pick<App, "config" | "plugins" | "host">

/** Throws before anything is touched, if the state is another config's. */
export async function refuseTaken(
  asking: Asking,
  environment: Pick<EnvironmentConfig, "name" | "secrets">,
  document: StateDocument,
): Promise<void> {
  const error = await takenBy(asking, environment, document)
  if (error !== undefined) throw error.within(environment.name)
}

/** Did another config write it last? One that was copied or moved may have. */
export function isWrittenElsewhere(
  { file }: Pick<Config, "file">,
  { config: owner }: Pick<StateDocument, "config">,
): boolean {
  return owner !== undefined && owner !== file
}

/** Why the state is not this config's; undefined if it is. */
export async function takenBy(
  asking: Asking,
  environment: Pick<EnvironmentConfig, "name" | "secrets">,
  document: StateDocument,
): Promise<AppError | undefined> {
  const { config: owner } = document
  if (owner === undefined || !isWrittenElsewhere(asking.config, document)) return undefined
  const differs = differenceIn(asking, environment, document)
  if (differs === undefined || isGone(owner) || isSame(owner, asking.config.file)) return undefined
  if (!(await claims(owner, environment.name, asking))) return undefined
  return new AppError(
    "project-taken",
    `its state belongs to ${owner}: ${differs}; nothing was changed`,
    {
      hint:
        "give this config another project: two configs with one project share a state, " +
        `and show each other's values. If this config has taken the place of ${owner}, ` +
        "remove that file, then run this again",
    },
  )
}

function differenceIn(
  { plugins }: Asking,
  { secrets }: Pick<EnvironmentConfig, "secrets">,
  document: StateDocument,
): string | undefined {
  const theirs = rotatedLogins(document)
  const ours = loginsOf(plugins, { secrets })
  for (const { secret, driver, logins } of theirs) {
    const own = ours[secret]
    const ownDriver = secrets[secret]?.driver
    if (own === undefined || ownDriver === undefined) continue
    if (ownDriver !== driver)
      return `there, ${secret} is one of the driver ${driver}, here of ${ownDriver}`
    if (logins.length > 0 && !own.some((login) => logins.includes(login)))
      return driver === "exec"
        ? `there, ${secret} has another program or user than here`
        : `there, ${secret} is ${logins.join(" and ")}, here ${own.join(" and ")}`
  }
  const isApart =
    theirs.length > 0 &&
    Object.keys(ours).length > 0 &&
    theirs.every(({ secret }) => ours[secret] === undefined)
  return isApart ? `this config has none of its secrets` : undefined
}

/** What cannot be looked at may be there. */
function isGone(path: string): boolean {
  try {
    return !statSync(path).isFile()
  } catch (error) {
    return ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "")
  }
}

function isSame(one: string, other: string): boolean {
  try {
    const [a, b] = [statSync(one), statSync(other)]
    return a.dev === b.dev && a.ino === b.ino
  } catch {
    return false
  }
}

/** Does the other config still mean this state? One that cannot be read may. */
async function claims(path: string, environment: string, asking: Asking): Promise<boolean> {
  try {
    const [{ plugins }, { parseSchedule }] = await Promise.all([
      import("../plugins/index.ts"),
      import("../plan/schedule.ts"),
    ])
    const env = (name: string): string | undefined => asking.host.env(name)
    return means(await loadConfig(path, plugins, { env, parseSchedule }), environment, asking)
  } catch {
    return true
  }
}

function means(other: Config, environment: string, { config }: Asking): boolean {
  return (
    other.project === config.project &&
    other.store === config.store &&
    other.environments[environment] !== undefined
  )
}

/** For `Work`: what each durable write notes of the config that it acts by. */
export function originOf(
  { config, plugins }: Pick<App, "config" | "plugins">,
  environment: EnvironmentConfig,
): NonNullable<Work["origin"]> {
  return {
    config: config.file,
    logins: loginsOf(plugins, environment),
    places: placesOf(plugins, environment),
  }
}
