import { describe, expect, test } from "bun:test"
import { parse } from "yaml"
import { NotifyItem } from "../../src/config/notify.ts"
import type { ZodObject, ZodType } from "zod"
import { auditKeys } from "../../src/config/audit.ts"
import {
  deploymentKeys,
  environmentKeys,
  healthKeys,
  secretKeys,
  topKeys,
} from "../../src/config/keys.ts"
import { type OptionEntry, referenceOf } from "../../src/config/reference.ts"
import { drivers } from "../../src/plugins/drivers/index.ts"
import { healths } from "../../src/plugins/healths/index.ts"
import { outputs } from "../../src/plugins/outputs/index.ts"
import { ReferenceOptions } from "../../src/plugins/references/index.ts"
import { restarters } from "../../src/plugins/restarters/index.ts"

/**
 * What `mycelium help redis` prints is made from the schemas: each key must say what it is for, and
 * show itself once.
 */

const plugins = { drivers, outputs, restarters, healths }
const entries = referenceOf(plugins)

test("every plug-in and every group of keys has a reference", () => {
  const kinds = [
    ["driver", drivers],
    ["output", outputs],
    ["restarter", restarters],
    ["health check", healths],
  ] as const
  for (const [kind, all] of kinds)
    expect(entries.filter((entry) => entry.kind === kind).map(({ name }) => name)).toEqual(
      all.map(({ type }) => type),
    )
})

describe.each(entries)("$is $name", ({ kind, name, options, shortForms }) => {
  test("says what each option is for, as a sentence without its full stop", () => {
    for (const option of options)
      expect(`${option.name}: ${option.message}`).toMatch(/: [A-Z"a].{8,}[^.]$/)
  })

  test("shows each option once, or the options in it", () => {
    const bare = options.filter(
      (option) =>
        option.example === undefined &&
        !options.some((inner) => inner.name.startsWith(`${option.name}.`)),
    )
    expect(bare.map((option) => option.name)).toEqual([])
    if (options.length === 0) expect(shortForms).not.toEqual([])
  })

  test("shows nothing that its schema refuses", () => {
    for (const option of options) expect(problemIn(kind, name, option)).toBe("")
  })
})

test("the keys of the config are all there", () => {
  const named = (group: string): readonly string[] =>
    entries
      .find(({ name, kind }) => name === group && kind === "keys")
      ?.options.map(({ name }) => name) ?? []
  expect(named("config")).toEqual(Object.keys(topKeys))
  expect(named("environment")).toEqual(Object.keys(environmentKeys))
  expect(named("secret")).toEqual(Object.keys(secretKeys))
  expect(named("deployment")).toEqual(Object.keys(deploymentKeys))
  expect(named("healthy")).toEqual(Object.keys(healthKeys))
})

const groups: Readonly<Record<string, Readonly<Record<string, ZodType>>>> = {
  config: topKeys,
  environment: environmentKeys,
  secret: secretKeys,
  deployment: deploymentKeys,
  healthy: healthKeys,
}

/** "" where the example is read back as it is meant and its schema takes it. */
function problemIn(
  kind: string,
  name: string,
  { name: option, example: line }: OptionEntry,
): string {
  if (line === undefined) return ""
  const read = parse(line) as Readonly<Record<string, unknown>>
  const [key = "", value] = Object.entries(read)[0] ?? []
  const path = option.split(".")
  if (key !== path.at(-1)) return `${line} is not of ${option}`
  const schemas = kind === "keys" ? keySchemas(name, option) : pluginSchemas(kind, name, path)
  if (schemas.length === 0) return `${option} has no schema`
  return schemas.some((schema) => schema.safeParse(value).success) ? "" : `${line} is refused`
}

function keySchemas(group: string, key: string): readonly ZodType[] {
  if (group === "credential") return schemasAt(ways(ReferenceOptions()), key.split("."))
  if (group === "notify") return schemasAt(ways(NotifyItem()), key.split("."))
  if (group === "audit") return ways(auditKeys.audit).flatMap((way) => shapeOf(way)[key] ?? [])
  return [groups[group]?.[key] ?? []].flat()
}

function pluginSchemas(kind: string, name: string, path: readonly string[]): readonly ZodType[] {
  const all = { driver: drivers, output: outputs, restarter: restarters, "health check": healths }[
    kind
  ]
  const plugin = (all ?? []).find(({ type }) => type === name)
  return schemasAt(plugin === undefined ? [] : ways(plugin.options), path)
}

function schemasAt(schemas: readonly ZodType[], path: readonly string[]): readonly ZodType[] {
  let found = schemas
  for (const key of path)
    found = found.flatMap((schema) => {
      const inner = shapeOf(schema)[key]
      return inner === undefined ? [] : ways(inner)
    })
  return found
}

/** Through what wraps a schema, and each way of a choice. */
function ways(schema: ZodType): readonly ZodType[] {
  const { def } = schema as unknown as {
    readonly def: {
      readonly innerType?: ZodType
      readonly options?: readonly ZodType[]
      readonly in?: ZodType
      readonly getter?: () => ZodType
    }
  }
  if (def.getter !== undefined) return ways(def.getter())
  if (def.innerType !== undefined) return ways(def.innerType)
  if (
    def.in !== undefined &&
    shapeOf(schema) !== undefined &&
    Object.keys(shapeOf(def.in)).length > 0
  )
    return ways(def.in)
  if (def.options !== undefined) return def.options.flatMap(ways)
  return [schema]
}

function shapeOf(schema: ZodType): Readonly<Record<string, ZodType>> {
  return (schema as Partial<ZodObject>).shape ?? {}
}
