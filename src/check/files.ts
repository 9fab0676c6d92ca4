import { readdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { present } from "../base/present.ts"
import type { Host } from "../base/system/host.ts"
import type { Expected } from "./self-tests/files.ts"
import type { Guarded } from "./self-tests/parents.ts"
import { type Me, statOf } from "./self-tests/path-stat.ts"
import type { Config, EnvironmentConfig, OutputConfig } from "../config/model.ts"
import { type FileRules, ownership } from "../plugins/outputs/file/rules.ts"
import { fileOf } from "../plugins/references/index.ts"
import { stateFolder } from "../record/state-file.ts"
import { defaultIdentityPath } from "../app/identity-path.ts"
import type { Places } from "./request.ts"

/** Which files are ours, or show our values, and how they should lie there. */
export async function expectedFiles(
  places: Places,
  host: Host,
  me: Me,
): Promise<readonly Expected[]> {
  return [
    ...identityFiles(places.config, host, me),
    ...storeFiles(places.config, me),
    ...(await outputFiles(places)),
  ]
}

/** Paths above which no other user may write. */
export async function guardedPaths(places: Places, host: Host): Promise<readonly Guarded[]> {
  const { config } = places
  const identity = identityPath(config, host)
  const outputs = outputsOf(places).map(
    async ({ target, environment, options }): Promise<Guarded> => {
      // Who owns the file, or the folder that it lies in, is who it is for.
      const owners = [
        (await ownership(rulesOf(options), undefined).catch(() => undefined))?.uid,
        statOf(target)?.uid,
        statOf(dirname(target))?.uid,
      ]
      return {
        path: target,
        what: `an output of ${environment}`,
        owners: owners.filter((uid) => uid !== undefined),
      }
    },
  )
  return [
    { path: join(config.store, "secrets"), what: "the store", owners: ownersOf(config) },
    ...(identity === undefined
      ? []
      : [{ path: identity, what: "the identity", owners: ownersOf(config) }]),
    ...(await Promise.all(outputs)),
  ]
}

/** Whose mycelium this is: where root looks after it, not root's. */
function ownersOf({ store }: Config): readonly number[] {
  const stats = statOf(store)
  return stats === undefined ? [] : [stats.uid]
}

/** The file that the identity is in; undefined where it comes from elsewhere. */
export function identityPath({ identity, folder }: Config, host: Host): string | undefined {
  if (identity === undefined) return defaultIdentityPath(host)
  return fileOf(identity, folder)
}

/** Environments of this project that have a state. */
export function stateNames(config: Config): readonly string[] {
  return list(stateFolder(config))
    .filter((name) => /^[^.].*\.json$/.test(name))
    .map((name) => name.slice(0, -".json".length))
}

type NamedOutput = OutputConfig & { readonly environment: string }

/** Those that can be looked at. */
export function outputsOf(places: Places): readonly NamedOutput[] {
  return Object.values(places.config.environments).flatMap((one) => outputsIn(places, one))
}

/** The same, of one environment; an entry of a manager lies on no disk. */
export function outputsIn(
  { silent }: Pick<Places, "silent">,
  { name, outputs }: EnvironmentConfig,
): readonly NamedOutput[] {
  return outputs
    .filter(({ target, entry }) => entry !== true && silent?.has(target) !== true)
    .map((output) => ({ ...output, environment: name }))
}

/** Of those that are files. */
export function allOutputsOf(config: Config): readonly NamedOutput[] {
  return Object.values(config.environments).flatMap(({ name, outputs }) =>
    outputs
      .filter(({ entry }) => entry !== true)
      .map((output) => ({ ...output, environment: name })),
  )
}

/**
 * One that comes by reference may be a link, or readable by a group: Kubernetes and systemd mount
 * them so.
 */
function identityFiles(config: Config, host: Host, me: Me): readonly Expected[] {
  if (config.identity !== undefined) return []
  const path = defaultIdentityPath(host)
  return [
    {
      path,
      what: "the identity",
      kind: "file",
      mode: 0o600,
      owners: me.uid === 0 ? [...ownersOf(config), 0] : [me.uid],
      identity: true,
    },
  ]
}

function storeFiles(config: Config, me: Me): readonly Expected[] {
  const { store } = config
  const [owner = me.uid] = ownersOf(config)
  return [
    // Root may look after a service that has a user of its own.
    { ...storeFolder(store, me.uid === 0 ? owner : me.uid), what: "the store" },
    storeFolder(join(store, "secrets"), owner),
    storeFile(join(store, "keys.age"), owner),
    ...list(join(store, "secrets")).flatMap((project) =>
      projectFiles(join(store, "secrets", project), owner),
    ),
  ]
}

/** The states of a project, and the logs, each a folder. */
function projectFiles(folder: string, owner: number): readonly Expected[] {
  const found = list(folder).flatMap((name) => {
    const path = join(folder, name)
    if (!name.endsWith(".audit")) return [storeFile(path, owner)]
    const parts = list(path).map((part) => storeFile(join(path, part), owner))
    return [storeFolder(path, owner), ...parts]
  })
  return [storeFolder(folder, owner), ...found]
}

function storeFolder(path: string, owner: number): Expected {
  return { path, what: "a folder of the store", kind: "folder", mode: 0o700, owners: [owner] }
}

function storeFile(path: string, owner: number): Expected {
  return { path, what: "a file of the store", kind: "file", mode: 0o600, owners: [owner] }
}

async function outputFiles(places: Places): Promise<readonly Expected[]> {
  const found = await Promise.all(
    outputsOf(places).map(
      async ({ target, files, environment, options }): Promise<readonly Expected[]> => {
        // A name that this machine does not know is told when the output is written.
        const {
          mode = 0o600,
          uid,
          gid,
        } = await ownership(rulesOf(options), undefined).catch(() => ({
          mode: undefined,
          uid: undefined,
          gid: undefined,
        }))
        const owned = {
          what: `an output of ${environment}`,
          ...(uid === undefined ? {} : { owners: [uid] }),
          ...present({ group: gid }),
        }
        return (files ?? [target]).map((path) => ({
          ...owned,
          path,
          kind: "file",
          mode,
          exact: true,
        }))
      },
    ),
  )
  return found.flat()
}

/** Every output that writes files has these keys. */
export function rulesOf(options: unknown): FileRules {
  const {
    owner,
    group,
    mode,
    in_place: inPlace,
  } = Object(options) as Readonly<Record<string, unknown>>
  return {
    ...(typeof owner === "string" ? { owner } : {}),
    ...(typeof group === "string" ? { group } : {}),
    ...(typeof mode === "string" ? { mode } : {}),
    ...(inPlace === true ? { in_place: true } : {}),
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
