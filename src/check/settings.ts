import type { Host } from "../base/system/host.ts"
import type { Followed, Hooks, Program } from "./self-tests/hooks.ts"
import type { SecretSettings, Settings } from "./self-tests/settings.ts"
import type { Environment } from "./self-tests/state.ts"
import type { Config, EnvironmentConfig } from "../config/model.ts"
import type { Finding, Reference } from "../core/ports.ts"
import { isUndated } from "../core/state.ts"
import { versionAt } from "../core/version.ts"
import { nextDue } from "../plan/due.ts"
import { Command, argvOf } from "../plugins/hook-argv.ts"
import { composeFiles } from "../plugins/docker/compose-files.ts"
import { composeOptions, composeSchema } from "../plugins/docker/options.ts"
import { ReferenceOptions, fileOf, findingsOf } from "../plugins/references/index.ts"
import type { App } from "../app/app.ts"
import { bothUsers, oneUserFiles, sayOneUser, unshownUser } from "../app/one-user.ts"
import { readersWouldFail } from "../app/slow-readers.ts"
import { unshownSecret } from "../app/unshown.ts"
import { unreadOutputs } from "../core/unread.ts"
import { missingReference } from "./identity.ts"
import { entriesIn } from "./options.ts"
import type { MountGate } from "../base/files/mount-gate.ts"
import { silenceAt } from "./silent.ts"
import { shapeIn } from "../app/shape-in.ts"
import { scheduleOf } from "../app/schedule-of.ts"

/**
 * What the checks want to know of the config, whatever plug-ins it names: options are searched, not
 * understood.
 */

type Part = {
  readonly place: string
  readonly what: string
  readonly options: unknown
  readonly folder: string
}

function partsOf(config: Config): readonly Part[] {
  return Object.values(config.environments).flatMap((environment) => [
    ...Object.values(environment.secrets).map(({ name, options }) =>
      part(environment, name, "driver", options),
    ),
    ...environment.deployments.flatMap(({ name, restarter, health }) => [
      part(environment, name, "restart", { [restarter.type]: restarter.options }),
      ...(health === undefined
        ? []
        : [part(environment, name, "health check", { [health.type]: health.options })]),
    ]),
  ])
}

function part(
  { name, folder }: EnvironmentConfig,
  of: string,
  what: string,
  options: unknown,
): Part {
  return { place: `${name}/${of}`, what, options, folder }
}

/** What is run, and what tells that what to run. A file is asked first whether it answers. */
export function hooksOf(config: Config, gate: MountGate): Hooks {
  const { programs, followed } = programsOf(config)
  return {
    programs,
    followed,
    silenceAt: (file) => silenceAt(file, gate),
  }
}

type Named = { readonly programs: readonly Program[]; readonly followed: readonly Followed[] }

function programsOf(config: Config): Named {
  const programs: Program[] = []
  const followed = new Map<string, Followed>()
  for (const { place, what, options, folder } of partsOf(config))
    for (const [key, value] of entriesIn(options)) {
      const of = `the ${what} of ${place}`
      const command = key === "command" ? Command().safeParse(value) : undefined
      if (command?.success === true)
        programs.push({ argv: argvOf(command.data, folder), folder, what: of })
      if (key !== "compose") continue
      for (const path of followedBy(value, folder))
        followed.set(path, { path, what: `what ${of} follows` })
    }
  return { programs: [...programs, ...takersOf(config)], followed: [...followed.values()] }
}

function takersOf({ audit: { heads }, folder }: Config): readonly Program[] {
  if (heads === undefined || heads === "journald") return []
  const what = "the command that takes the heads of the audit log"
  return [{ argv: argvOf(heads.command, folder), folder, what }]
}

function followedBy(compose: unknown, folder: string): readonly string[] {
  const parsed = composeSchema().safeParse(compose)
  return parsed.success ? composeFiles(composeOptions(parsed.data), folder) : []
}

export function unguardedOptions(config: Config): Settings["unguarded"] {
  return partsOf(config).flatMap(({ place, options }) =>
    [...entriesIn(options)]
      .filter(([key, value]) => (key === "insecure" || key === "weak") && value === true)
      .map(([option]) => ({ place, option })),
  )
}

export function clearLogins(
  config: Config,
  plugins: App["plugins"],
): NonNullable<Settings["clear"]> {
  return Object.values(config.environments).flatMap((environment) =>
    Object.values(environment.secrets).flatMap(({ name, driver, options }) => {
      const type = plugins.drivers.find((one) => one.type === driver)
      return (type?.inClear?.(type.options.parse(options)) ?? []).map((address) => ({
        place: `${environment.name}/${name}`,
        address,
      }))
    }),
  )
}

/**
 * The credentials that mycelium itself needs: there, and readable by no other user? Their values stay
 * where they are.
 */
export function referencesOf(config: Config, host: Host, gate: MountGate): Settings["references"] {
  return namedReferences(config).map(({ place, folder, reference }) => ({
    place,
    inspect: async () => {
      const path = fileOf(reference, folder)
      const silent =
        path === undefined ? undefined : await silenceAt({ path, what: "a credential" }, gate)
      return silent === undefined ? inspectOne(reference, folder, host) : [silent]
    },
  }))
}

export type NamedReference = {
  readonly place: string
  readonly folder: string
  readonly reference: Reference
}

/** Each credential that Mycelium needs itself, and what needs it. */
export function namedReferences(config: Config): readonly NamedReference[] {
  const nested = Object.values(config.environments).flatMap(
    ({ name, folder, secrets, outputs }) => [
      ...Object.values(secrets).flatMap((secret) =>
        referencesIn(secret.options).map((reference) => ({
          place: `${name}/${secret.name}`,
          folder,
          reference,
        })),
      ),
      ...managersIn(outputs).map((reference) => ({ place: name, folder, reference })),
    ],
  )
  return config.identity === undefined
    ? nested
    : [...nested, { place: "identity", folder: config.folder, reference: config.identity }]
}

function referencesIn(options: unknown): readonly Reference[] {
  return [...entriesIn(options)].flatMap(([key, value]) => {
    // A driver's own command is no reference.
    const parsed = key === "command" ? undefined : ReferenceOptions().safeParse(value)
    return parsed?.success === true ? [parsed.data] : []
  })
}

/** By which mycelium logs in at the secret managers: each once. What an output shows is none. */
function managersIn(outputs: EnvironmentConfig["outputs"]): readonly Reference[] {
  const all = outputs
    .filter(({ entry }) => entry === true)
    .flatMap(({ options }) => referencesIn({ ...Object(options), variables: undefined }))
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()]
}

async function inspectOne(
  reference: Reference,
  folder: string,
  host: Host,
): Promise<readonly Finding[]> {
  const missing = missingReference(reference, folder, host)
  return missing === undefined ? findingsOf(reference, { folder }) : [missing]
}

export function secretSettings(
  config: Config,
  plugins: App["plugins"],
  environments: readonly Environment[],
): readonly SecretSettings[] {
  return Object.values(config.environments).flatMap((environment) => {
    const document = environments.find(({ name }) => name === environment.name)?.document
    return Object.values(environment.secrets).map(
      ({ name, driver, rotateEveryMs, options }): SecretSettings => {
        const state = document?.secrets[name]
        const hasValue = state !== undefined && versionAt(state, "current") !== undefined
        const rotatedAt = state?.rotatedAt === undefined ? undefined : new Date(state.rotatedAt)
        const due =
          state === undefined || rotatedAt === undefined || rotateEveryMs === null
            ? undefined
            : nextDue(scheduleOf(environment), state, rotateEveryMs)
        return {
          place: `${environment.name}/${name}`,
          shape: shapeIn(plugins, { driver, options }),
          rotateEveryMs,
          hasValue,
          rotatedAt,
          shown:
            isServed(plugins, { driver, options }) ||
            environment.outputs.some(({ shows }) => shows.includes(name)),
          oneUser: oneUserFiles(plugins, environment, name).map((file) => ({
            message: `${environment.name}: ${sayOneUser(file, name)}`,
            remedy: bothUsers(name),
          })),
          unshownUser: unshownUser(plugins, environment, name),
          unshownSecret: unshownSecret(plugins, environment, name),
          readersWouldFail: readersWouldFail(plugins, environment, name),
          undated: state !== undefined && isUndated(state),
          dueAt: due,
        }
      },
    )
  })
}

/** A service asks for it: of such a secret `unshownSecret` says what there is to say. */
function isServed(
  plugins: App["plugins"],
  { driver, options }: { readonly driver: string; readonly options: unknown },
): boolean {
  const type = plugins.drivers.find((one) => one.type === driver)
  return type?.overlap(type.options.parse(options)) !== "none"
}

export function unreadSettings(config: Config): NonNullable<Settings["unread"]> {
  return Object.values(config.environments).flatMap(({ name, outputs, deployments }) => {
    const files = outputs.map(({ target, entry }) => ({ target, isEntry: entry === true }))
    const targets = unreadOutputs(files, deployments)
    return targets.length === 0 ? [] : [{ place: name, targets }]
  })
}

export function deploymentSettings(config: Config): Settings["deployments"] {
  return Object.values(config.environments).flatMap(({ name, deployments }) =>
    deployments.map((one) => ({
      place: `${name}/${one.name}`,
      hasHealth: one.health !== undefined,
    })),
  )
}
