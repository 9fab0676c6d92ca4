import { toJSONSchema, type ZodType } from "zod"
import { keepInputMeta } from "./input-meta.ts"
import { NotifyItem } from "./notify.ts"
import { ReferenceOptions } from "../plugins/references/options.ts"
import { auditKeys } from "./audit.ts"
import type { Plugins } from "./context.ts"
import { deploymentKeys, environmentKeys, healthKeys, secretKeys, topKeys } from "./keys.ts"

/**
 * What each key of a config takes, as data for people: read from the schemas that the loader uses.
 */

export type OptionEntry = {
  /** "tls.ca" for a key in a map. */
  readonly name: string
  /** "duration", "24 to 256 characters", "one of one, two, pair". */
  readonly takes: string
  readonly isRequired: boolean
  /** As it would be written. */
  readonly defaultValue?: string
  readonly message: string
  /** As it would be written: "grace: 10m". */
  readonly example?: string
}

export type KindName = "driver" | "output" | "restarter" | "health check"
export type ReferenceEntry = {
  /** As in the config: "redis". */
  readonly name: string
  readonly kind: KindName | "keys"
  readonly summary: string
  /** Ways to write it that are no map: "compose: api". */
  readonly shortForms: readonly string[]
  readonly options: readonly OptionEntry[]
  /** What templates can show of a driver's secret. */
  readonly fields: readonly string[]
}

/** Every plug-in and every group of keys, in the order in which a reader needs them. */
export function referenceOf({
  drivers,
  outputs,
  restarters,
  healths,
}: Plugins): readonly ReferenceEntry[] {
  return [
    ...keyGroups,
    ...drivers.map((one) => ({
      ...pluginEntry("driver", one),
      fields: one.fields ?? ["password"],
    })),
    ...outputs.map((one) => pluginEntry("output", one)),
    ...restarters.map((one) => pluginEntry("restarter", one)),
    ...healths.map((one) => pluginEntry("health check", one)),
  ]
}

const keyGroups: readonly ReferenceEntry[] = [
  keyGroup("config", "keys at the top of the file", topKeys, ["project"]),
  keyGroup("audit", "how the audit log is kept, under audit", auditKeys.audit),
  keyGroup(
    "notify",
    "who is told when something goes wrong: each entry is one of these",
    NotifyItem(),
  ),
  keyGroup("environment", "keys of each environment", environmentKeys),
  keyGroup("secret", "keys of each secret, whatever its driver", secretKeys),
  keyGroup(
    "deployment",
    "keys of each deployment, beside its restarter and healthy",
    deploymentKeys,
  ),
  keyGroup("healthy", "keys under healthy, beside the health check", healthKeys),
  keyGroup("credential", "how the config names a credential: one of these", ReferenceOptions()),
]

type Keys = Readonly<Record<string, ZodType>>

function keyGroup(
  name: string,
  summary: string,
  keys: Keys | ZodType,
  required: readonly string[] = [],
): ReferenceEntry {
  const options =
    "_zod" in keys
      ? optionsIn(schemaOf(keys as ZodType), "")
      : Object.entries(keys).flatMap(([key, schema]) =>
          optionEntries(key, schemaOf(schema), required.includes(key)),
        )
  return { name, kind: "keys", summary, shortForms: [], options, fields: [] }
}

type PluginType = { readonly type: string; readonly summary: string; readonly options: ZodType }

function pluginEntry(kind: KindName, { type, summary, options }: PluginType): ReferenceEntry {
  const schema = schemaOf(options)
  const shortForms = (schema.examples ?? []).filter((one) => !isRecord(one) || Array.isArray(one))
  return {
    name: type,
    kind,
    summary,
    shortForms: shortForms.map((one) => written(type, one)),
    options: optionsIn(schema, ""),
    fields: [],
  }
}

/** What is used of a JSON Schema. */
type Schema = {
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly unit?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly anyOf?: readonly Schema[]
}

/** What may be written, before defaults and transforms. */
function schemaOf(schema: ZodType): Schema {
  return toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
    override: keepInputMeta,
  }) as Schema
}

/** The keys of a map; of a choice of maps, the keys of all. */
function optionsIn(schema: Schema, above: string): readonly OptionEntry[] {
  const maps = (schema.anyOf ?? [schema]).filter(({ properties }) => properties !== undefined)
  const found = new Map<string, OptionEntry>()
  for (const map of maps)
    for (const [key, option] of Object.entries(map.properties ?? {})) {
      const isRequired = maps.every(({ required }) => required?.includes(key) === true)
      for (const entry of optionEntries(`${above}${key}`, option, isRequired))
        if (!found.has(entry.name) || entry.message !== "") found.set(entry.name, entry)
    }
  return [...found.values()]
}

/**
 * The option, and those in it where it is a map of its own. A credential's are told once,
 * elsewhere.
 */
function optionEntries(name: string, schema: Schema, isRequired: boolean): readonly OptionEntry[] {
  const key = name.split(".").at(-1) ?? name
  const example = schema.examples?.[0]
  const entry: OptionEntry = {
    name,
    takes: takesOf(schema),
    isRequired,
    message: schema.description ?? "",
    ...(hasDefault(schema) ? { defaultValue: flow(schema.default) } : {}),
    ...(example === undefined ? {} : { example: written(key, example) }),
  }
  const inner = schema.properties === undefined ? [] : optionsIn(schema, `${name}.`)
  return [entry, ...inner]
}

/** That a map is empty by default says nothing. */
function hasDefault({ default: value }: Schema): boolean {
  return value !== undefined && !(isRecord(value) && Object.keys(value).length === 0)
}

function takesOf(schema: Schema): string {
  if (schema.title === "reference") return "a credential, by reference"
  if (schema.title !== undefined) return schema.title
  if (schema.enum !== undefined) return `one of ${schema.enum.map(String).join(", ")}`
  if (schema.const !== undefined) return String(schema.const)
  if (schema.anyOf !== undefined)
    return [...new Set(schema.anyOf.map((one) => takesOf(one)))].join(", or ")
  const { type, minimum, maximum, unit } = schema
  if (type === "boolean") return "true or false"
  if (type === "integer" || type === "number")
    return `${minimum ?? 0} to ${maximum ?? "any"}${unit === undefined ? "" : ` ${unit}`}`
  if (type === "array") return "list"
  return type === "object" ? "map" : "text"
}

/** "key: value", as a line of YAML. */
export function written(key: string, value: unknown): string {
  return `${key}: ${flow(value)}`
}

function flow(value: unknown): string {
  if (typeof value === "string") return isPlain(value) ? value : JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((one) => flow(one)).join(", ")}]`
  if (isRecord(value))
    return `{ ${Object.entries(value)
      .map(([key, one]) => written(key, one))
      .join(", ")} }`
  return String(value)
}

/** Text that no version of YAML takes for anything else, in a list or a map either. */
function isPlain(text: string): boolean {
  if (/^\d+([smhdw]|ms|[KMG]iB)$/.test(text)) return true
  return (
    /^[A-Za-z/.~][\w./@%+~ -]*(:[/\d][\w./:?=@%+-]*)?$/.test(text) &&
    !text.endsWith(" ") &&
    !/^(true|false|null|yes|no|on|off)$/i.test(text)
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
}
