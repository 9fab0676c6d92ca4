import { resolve } from "node:path"
import type { ZodType } from "zod"
import { present } from "../base/present.ts"
import type { Context } from "./context.ts"
import type { DeploymentDraft, Entry } from "./draft.ts"
import { defaults, deploymentKeys, healthKeys } from "./keys.ts"
import { MapReader } from "./map-reader.ts"
import type { DeploymentConfig } from "./model.ts"
import type { Path } from "./problems.ts"
import { mostGuessed, nearest } from "./nearest.ts"
import { oneOf } from "./sentences.ts"
import { validate } from "./validate.ts"

/**
 * How it restarts is known by one key (`compose`, `command`, …), how it is proven healthy by one
 * key under `healthy`.
 */
export function readDeployment(
  { name, raw, path }: Entry,
  targets: readonly string[],
  context: Context,
): DeploymentDraft {
  const reader = new MapReader(raw, path, context.report)
  const reads = reader.optional("reads", deploymentKeys)
  const timeoutMs = reader.optional("timeout", deploymentKeys) ?? defaults.timeoutMs
  const healthy = reader.raw("healthy")
  const health =
    healthy === undefined ? undefined : readHealth(healthy, [...path, "healthy"], context)
  const restarter = readKind({
    reader,
    kinds: context.plugins.restarters,
    what: "how it restarts",
    context,
  })
  const config: DeploymentConfig = {
    name,
    reads:
      reads?.map((one) => (targets.includes(one) ? one : resolve(context.folder, one))) ?? targets,
    restarter: restarter ?? { type: "", options: undefined },
    ...present({ health }),
    timeoutMs,
  }
  return { path, config, ownReads: reads !== undefined }
}

function readHealth(raw: unknown, path: Path, context: Context): DeploymentConfig["health"] {
  const reader = new MapReader(raw, path, context.report)
  const withinMs = reader.optional("within", healthKeys) ?? defaults.withinMs
  const kind = readKind({
    reader,
    kinds: context.plugins.healths,
    what: "how health is checked",
    context,
  })
  return kind && { ...kind, withinMs }
}

type Kinds = {
  readonly reader: MapReader
  readonly kinds: readonly { readonly type: string; readonly options: ZodType }[]
  readonly what: string
  readonly context: Context
}

/** Exactly one key that names a plug-in; its schema takes the value under it. */
function readKind({
  reader,
  kinds,
  what,
  context,
}: Kinds): { readonly type: string; readonly options: unknown } | undefined {
  const { path } = reader
  const types = kinds.map(({ type }) => type)
  const found = kinds.filter(({ type }) => reader.left.includes(type))
  const options = found.map(({ type }) => reader.raw(type))
  const misspelt = reader.left
    .slice(0, mostGuessed)
    .some((key) => nearest(key, types) !== undefined)
  const isMap = found.length > 0 || reader.isMap
  reader.close(types)
  const [kind] = found
  if (found.length > 1)
    context.report({
      path,
      at: "key",
      message: `says twice ${what}: keep one of ${found.map(({ type }) => type).join(", ")}`,
    })
  else if (kind === undefined && isMap && !misspelt)
    context.report({ path, at: "key", message: `does not say ${what}: ${oneOf(types, undefined)}` })
  if (kind === undefined || found.length > 1) return undefined
  validate(kind.options, { value: options[0], path: [...path, kind.type], report: context.report })
  return { type: kind.type, options: options[0] }
}
