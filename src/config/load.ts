import { dirname, resolve } from "node:path"
import { readRealFile } from "../base/real-file.ts"
import { AppError } from "../base/error.ts"
import { Audit, auditDefaults } from "./audit.ts"
import type { Context, Plugins, Surroundings } from "./context.ts"
import { checkKeep, crossCheck } from "./cross-checks.ts"
import type { EnvironmentDraft } from "./draft.ts"
import { named, readEnvironment } from "./environment.ts"
import { defaults, Name, topKeys } from "./keys.ts"
import { MapReader } from "./map-reader.ts"
import type { Config, EnvironmentConfig } from "./model.ts"
import {
  ConfigProblems,
  Enough,
  type Fault,
  Faults,
  formatPath,
  type Problem,
  shownPath,
  withoutEchoes,
} from "./problems.ts"
import { readSource } from "./source.ts"
import { storeFolder } from "./store.ts"
import { parseYaml, type Yaml } from "./yaml.ts"

/** A thousand environments fit; a log that was named by mistake does not. */
const largest = 4 * 1024 * 1024

/** The config, or `ConfigProblems` with everything that is wrong with it. Opens no connection; of other files it reads only those that it names as a part of itself (templates). */
export async function loadConfig(
  path: string,
  plugins: Plugins,
  surroundings: Surroundings,
): Promise<Config> {
  const file = resolve(path)
  const found = await readRealFile(file, largest)
  if (found === undefined)
    throw new AppError("config-missing", `there is no config at ${file}`, {
      hint: "make one with mycelium init",
    })
  return parseConfig(textOf(found.bytes, file), file, plugins, {
    readText: readSource,
    ...surroundings,
  })
}

/** `loadConfig` after the file is read; pure. */
export function parseConfig(
  text: string,
  file: string,
  plugins: Plugins,
  surroundings: Surroundings,
): Config {
  const yaml = parseYaml(text)
  const faults = new Faults()
  const context: Context = {
    env: surroundings.env,
    parseSchedule: surroundings.parseSchedule,
    readText: surroundings.readText ?? noFiles,
    file,
    folder: dirname(file),
    plugins,
    report: faults.report,
  }
  const config = yaml.usable ? judge(yaml.value, context) : undefined
  const problems = placeProblems(yaml, faults.found, file)
  if (config === undefined || config === "too much" || problems.length > 0)
    throw new ConfigProblems(problems, config !== "too much")
  return config
}

function judge(value: unknown, context: Context): Config | "too much" {
  try {
    return readConfig(value, context)
  } catch (error) {
    if (error instanceof Enough) return "too much"
    throw error
  }
}

function noFiles(): never {
  throw new AppError("file-unreadable", "no other file is read here")
}

function readConfig(value: unknown, context: Context): Config {
  const reader = new MapReader(value, [], context.report)
  const project = reader.required("project", topKeys.project) ?? ""
  const store = storeFolder(reader.optional("store", topKeys.store), context.folder, context.env)
  const recipients = reader.optional("recipients", topKeys.recipients) ?? []
  const identity = reader.optional("identity", topKeys.identity)
  const perServer = reader.optional("per_server", topKeys.per_server) ?? defaults.perServer
  const audit = reader.optional("audit", Audit) ?? auditDefaults
  const wide = {
    schedule: reader.optional("schedule", topKeys.schedule),
    timezone: reader.optional("timezone", topKeys.timezone),
    agePath: reader.has("rotate_every") ? ["rotate_every"] : undefined,
    rotateEveryMs: reader.optional("rotate_every", topKeys.rotate_every),
    watchMs: reader.optional("watch", topKeys.watch),
    policy: reader.optional("policy", topKeys.policy),
  }
  const drafts = named(reader, "environments", Name, context).map((one) =>
    readEnvironment(one.name, one.raw, one.path, wide, context),
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
    ...(identity === undefined ? {} : { identity }),
    perServer,
    audit,
    environments,
  }
}

function finish(draft: EnvironmentDraft, project: string, folder: string): EnvironmentConfig {
  return {
    name: draft.name,
    project,
    folder,
    ...(draft.schedule === undefined ? {} : { schedule: draft.schedule }),
    timezone: draft.timezone,
    ...(draft.watchMs === undefined ? {} : { watchMs: draft.watchMs }),
    ...(draft.policy === undefined ? {} : { policy: draft.policy }),
    secrets: Object.fromEntries(draft.secrets.map(({ config }) => [config.name, config])),
    outputs: draft.outputs.flatMap(({ config }) => config ?? []),
    deployments: draft.deployments.map(({ config }) => config),
  }
}

function placeProblems(yaml: Yaml, faults: readonly Fault[], file: string): readonly Problem[] {
  const hidden = new Set(yaml.spots.flatMap(({ hides, line }) => (hides ? [line] : [])))
  const syntax = yaml.spots.map((spot) => ({
    file,
    line: spot.line,
    column: spot.column,
    path: formatPath(spot.path ?? []),
    ...wordsOf(spot),
  }))
  const data = withoutEchoes(faults).map((fault) => ({
    file,
    ...yaml.place(fault.path, fault.at),
    path: shownPath(fault),
    ...wordsOf(fault),
  }))
  const all = [...syntax, ...data.filter(({ line }) => !hidden.has(line))]
  // What is inherited is judged once for each heir.
  const distinct = new Map(all.map((problem) => [JSON.stringify(problem), problem]))
  return [...distinct.values()].sort((a, b) => a.line - b.line || a.column - b.column)
}

function wordsOf({ says, hint }: { readonly says: string; readonly hint?: string }): {
  readonly says: string
  readonly hint?: string
} {
  return hint === undefined ? { says } : { says, hint }
}

function textOf(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    throw new ConfigProblems([
      { file, line: 1, column: 1, path: "", says: "the file is not UTF-8 text" },
    ])
  }
}
