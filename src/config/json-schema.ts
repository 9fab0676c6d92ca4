import { toJSONSchema, type ZodType } from "zod"
import type { DriverType } from "../core/define.ts"
import { auditKeys } from "./audit.ts"
import { keepInputMeta } from "./input-meta.ts"
import { notifyKeys } from "./notify.ts"
import type { Plugins } from "./context.ts"
import { deploymentKeys, environmentKeys, healthKeys, secretKeys, topKeys } from "./keys.ts"
import { type Schema, reference, sharing } from "./shared-schemas.ts"
import { names, secretNames } from "./value-types.ts"

/**
 * The config as a JSON Schema, from the schemas that the loader uses: for editors, which know less
 * than the loader.
 */

export function configSchema(plugins: Plugins): Schema {
  return sharing({
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Mycelium config",
    ...map(
      {
        ...properties(topKeys),
        audit: part(auditKeys.audit),
        notify: part(notifyKeys.notify),
        environments: namedMap(names.schema(), environment(plugins)),
      },
      ["project", "environments"],
    ),
    definitions: secretDefinitions(plugins.drivers),
  })
}

function environment(plugins: Plugins): Schema {
  return map(
    {
      ...properties(environmentKeys),
      secrets: secrets(plugins.drivers),
      outputs: { type: "array", items: { anyOf: plugins.outputs.map((one) => described(one)) } },
      deployments: namedMap(names.schema(), deployment(plugins)),
    },
    ["secrets"],
  )
}

/** A secret with the name of a driver needs no `driver`. */
function secrets(drivers: readonly DriverType[]): Schema {
  const secret = reference("secret")
  return {
    ...namedMap(secretNames.schema(), secret),
    properties: Object.fromEntries(
      drivers.map(({ type }) => [
        type,
        { anyOf: [{ type: "null" }, reference(definitionOf(type)), secret] },
      ]),
    ),
  }
}

/** A secret of each driver, and a secret of any: the name of a driver, or options that name it. */
function secretDefinitions(drivers: readonly DriverType[]): Schema {
  const name: Schema = { type: "string", enum: drivers.map(({ type }) => type) }
  const named = drivers.map(({ type }) => ({
    allOf: [reference(definitionOf(type)), { type: "object", required: ["driver"] }],
  }))
  return {
    secret: { anyOf: [name, ...named] },
    ...Object.fromEntries(drivers.map((driver) => [definitionOf(driver.type), secretOf(driver)])),
  }
}

function definitionOf(driver: string): string {
  return `${driver}-secret`
}

function secretOf(driver: DriverType): Schema {
  const options = part(driver.options)
  const required = Array.isArray(options["required"]) ? options["required"].map(String) : []
  const own = typeof options["properties"] === "object" ? options["properties"] : {}
  return {
    description: driver.summary,
    ...map({ ...own, ...properties(secretKeys), driver: { const: driver.type } }, required),
  }
}

function deployment({ restarters, healths }: Plugins): Schema {
  const healthy = {
    ...map({ ...kinds(healths), ...properties(healthKeys) }, []),
    oneOf: healths.map(requires),
  }
  return {
    ...map({ ...kinds(restarters), ...properties(deploymentKeys), healthy }, []),
    oneOf: restarters.map(requires),
  }
}

type Kind = { readonly type: string; readonly summary: string; readonly options: ZodType }

function kinds(all: readonly Kind[]): Schema {
  return Object.fromEntries(all.map((one) => [one.type, described(one)]))
}

function requires({ type }: Kind): Schema {
  return { required: [type] }
}

function described({ summary, options }: Kind): Schema {
  return { description: summary, ...part(options) }
}

function map(keys: Schema, required: readonly string[]): Schema {
  return {
    type: "object",
    properties: keys,
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  }
}

function namedMap(names: ZodType, values: Schema): Schema {
  return { type: "object", propertyNames: part(names), additionalProperties: values }
}

function properties(keys: Readonly<Record<string, ZodType>>): Schema {
  return Object.fromEntries(Object.entries(keys).map(([key, schema]) => [key, part(schema)]))
}

/** What may be written, before defaults and transforms. */
function part(schema: ZodType): Schema {
  const { $schema: _, ...rest } = toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
    override: (given) => {
      keepInputMeta(given)
      delete given.jsonSchema["unit"]
    },
  })
  return rest
}
