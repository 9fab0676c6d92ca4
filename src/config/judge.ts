import { dirname, resolve } from "node:path"
import { AppError } from "../base/error.ts"
import { present } from "../base/present.ts"
import { auditDefaults, auditKeys } from "./audit.ts"
import type { Context, Plugins, Surroundings } from "./context.ts"
import { checkKeep, crossCheck } from "./cross-checks.ts"
import type { EnvironmentDraft } from "./draft.ts"
import { named, readEnvironment } from "./environment.ts"
import { defaults, topKeys } from "./keys.ts"
import type { ListenConfig } from "./listen.ts"
import { MapReader } from "./map-reader.ts"
import type { Config, EnvironmentConfig } from "./model.ts"
import { Enough, type Fault, Faults } from "./problems.ts"
import { storeFolder } from "./store.ts"
import { notifyKeys } from "./notify.ts"
import { names } from "./value-types.ts"

/**
 * What the data of a config says, and all that is wrong with it. Without a config, more is wrong
 * than is listed.
 */
export function judge(
  value: unknown,
  file: string,
  plugins: Plugins,
  around: Surroundings,
): { readonly config: Config | undefined; readonly faults: readonly Fault[] } {
  const faults = new Faults()
  const context: Context = {
    env: around.env,
    parseSchedule: around.parseSchedule,
    readText: around.readText ?? noFiles,
    file,
    folder: dirname(file),
    plugins,
    report: faults.report,
  }
  try {
    return { config: readConfig(value, context), faults: faults.found }
  } catch (error) {
    if (error instanceof Enough) return { config: undefined, faults: faults.found }
    throw error
  }
}

function noFiles(): never {
  throw new AppError("file-unreadable", "no other file is read here")
}

function readConfig(value: unknown, context: Context): Config {
  const reader = new MapReader(value, [], context.report)
  const project = reader.required("project", topKeys) ?? ""
  const store = storeFolder(reader.optional("store", topKeys), context.folder, context.env)
  const recipients = reader.optional("recipients", topKeys) ?? []
  const identity = reader.optional("identity", topKeys)
  const perServer = reader.optional("per_server", topKeys) ?? defaults.perServer
  const audit = reader.optional("audit", auditKeys) ?? auditDefaults
  const notify = reader.optional("notify", notifyKeys) ?? []
  const listen = listenIn(context.folder, reader.optional("listen", topKeys))
  const wide = {
    schedule: reader.optional("schedule", topKeys),
    timezone: reader.optional("timezone", topKeys),
    agePath: reader.has("rotate_every") ? ["rotate_every"] : undefined,
    rotateEveryMs: reader.optional("rotate_every", topKeys),
    watchMs: reader.optional("watch", topKeys),
    policy: reader.optional("policy", topKeys),
  }
  const drafts = named(reader, "environments", names, context).map((one) =>
    readEnvironment(one, wide, context),
  )
  reader.close()
  if (reader.isMap) crossCheck(drafts, store, context)
  checkKeep(drafts, audit.keepMs, context)
  const environments = Object.fromEntries(
    drafts.map((draft) => [draft.name, finish(draft, project, context.folder)]),
  )
  return {
    file: context.file,
    folder: context.folder,
    project,
    store,
    recipients,
    ...present({ identity }),
    perServer,
    audit,
    notify,
    ...present({ listen }),
    environments,
  }
}

function listenIn(folder: string, written: ListenConfig | undefined): ListenConfig | undefined {
  return written !== undefined && "path" in written
    ? { path: resolve(folder, written.path) }
    : written
}

function finish(draft: EnvironmentDraft, project: string, folder: string): EnvironmentConfig {
  return {
    name: draft.name,
    project,
    folder,
    ...present({ schedule: draft.schedule }),
    timezone: draft.timezone,
    ...present({ watchMs: draft.watchMs, policy: draft.policy }),
    secrets: Object.fromEntries(draft.secrets.map(({ config }) => [config.name, config])),
    outputs: draft.outputs.flatMap(({ config }) => config ?? []),
    deployments: draft.deployments.map(({ config }) => config),
  }
}
