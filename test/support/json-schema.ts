/**
 * What a value has wrong by a JSON Schema of draft 7, as an editor tells it. Knows the keywords that
 * config/schema.json has, and fails on any other.
 */

type Schema = Readonly<Record<string, unknown>>
type Check = (value: unknown, wanted: unknown, at: At) => readonly string[]
type At = { readonly path: string; readonly schema: Schema; readonly root: Schema }

export function schemaFaults(schema: Schema, value: unknown): readonly string[] {
  return faultsOf(value, { path: "", schema, root: schema })
}

function faultsOf(value: unknown, at: At): readonly string[] {
  const { $ref } = at.schema
  // Beside it nothing counts.
  if (typeof $ref === "string") return faultsOf(value, { ...at, schema: referred(at.root, $ref) })
  return Object.entries(at.schema).flatMap(([keyword, wanted]) => {
    if (annotations.has(keyword)) return []
    const check = checks[keyword]
    if (check === undefined) throw new Error(`no check for the keyword ${keyword}`)
    return check(value, wanted, at)
  })
}

function referred(root: Schema, ref: string): Schema {
  const found = (root["definitions"] as Readonly<Record<string, Schema>>)[
    ref.replace("#/definitions/", "")
  ]
  if (found === undefined) throw new Error(`no definition ${ref}`)
  return found
}

const annotations = new Set("$schema title description default examples definitions".split(" "))

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
}

const say = (at: At, isRight: boolean, what: string): readonly string[] =>
  isRight ? [] : [`${at.path}: ${what}`]

const within = (at: At, schema: unknown, key: string | number, value: unknown): readonly string[] =>
  faultsOf(value, { ...at, path: `${at.path}/${key}`, schema: schema as Schema })

const fitting = (value: unknown, wanted: unknown, at: At): number =>
  (wanted as readonly Schema[]).filter((schema) => faultsOf(value, { ...at, schema }).length === 0)
    .length

const checks: Readonly<Record<string, Check>> = {
  type: (value, wanted, at) =>
    say(at, types[String(wanted)]?.(value) === true, `is no ${String(wanted)}`),
  const: (value, wanted, at) => say(at, Bun.deepEquals(value, wanted), "is another value"),
  enum: (value, wanted, at) =>
    say(at, (wanted as readonly unknown[]).includes(value), "not listed"),
  pattern: (value, wanted, at) =>
    say(at, typeof value !== "string" || new RegExp(String(wanted)).test(value), "does not match"),
  minLength: (value, wanted, at) =>
    say(at, typeof value !== "string" || value.length >= Number(wanted), "is too short"),
  maxLength: (value, wanted, at) =>
    say(at, typeof value !== "string" || value.length <= Number(wanted), "is too long"),
  minimum: (value, wanted, at) =>
    say(at, typeof value !== "number" || value >= Number(wanted), "is too small"),
  exclusiveMinimum: (value, wanted, at) =>
    say(at, typeof value !== "number" || value >= Number(wanted), "is too small"),
  maximum: (value, wanted, at) =>
    say(at, typeof value !== "number" || value <= Number(wanted), "is too great"),
  minItems: (value, wanted, at) =>
    say(at, !Array.isArray(value) || value.length >= Number(wanted), "has too few items"),
  maxItems: (value, wanted, at) =>
    say(at, !Array.isArray(value) || value.length <= Number(wanted), "has too many items"),
  items: (value, wanted, at) =>
    !Array.isArray(value)
      ? []
      : value.flatMap((one: unknown, index) => {
          const schema = Array.isArray(wanted) ? (wanted[index] as unknown) : wanted
          return schema === undefined ? [] : within(at, schema, index, one)
        }),
  additionalItems: (value, wanted, at) => {
    const { items } = at.schema
    if (!Array.isArray(value) || !Array.isArray(items)) return []
    const rest = value.slice(items.length)
    return rest.flatMap((one: unknown) =>
      wanted === false ? say(at, false, "one item too many") : within(at, wanted, "", one),
    )
  },
  properties: (value, wanted, at) =>
    Object.entries(wanted as Schema).flatMap(([key, schema]) =>
      isObject(value) && Object.hasOwn(value, key) ? within(at, schema, key, value[key]) : [],
    ),
  required: (value, wanted, at) =>
    (wanted as readonly string[]).flatMap((key) =>
      say(at, !isObject(value) || Object.hasOwn(value, key), `lacks ${key}`),
    ),
  additionalProperties: (value, wanted, at) => {
    if (!isObject(value)) return []
    const own = (at.schema["properties"] ?? {}) as Schema
    return Object.keys(value)
      .filter((key) => !Object.hasOwn(own, key))
      .flatMap((key) =>
        wanted === false
          ? say(at, false, `has no key ${key}`)
          : within(at, wanted, key, value[key]),
      )
  },
  propertyNames: (value, wanted, at) =>
    isObject(value) ? Object.keys(value).flatMap((key) => within(at, wanted, key, key)) : [],
  anyOf: (value, wanted, at) => say(at, fitting(value, wanted, at) > 0, "is none of the forms"),
  oneOf: (value, wanted, at) => say(at, fitting(value, wanted, at) === 1, "is not of one form"),
  allOf: (value, wanted, at) =>
    (wanted as readonly Schema[]).flatMap((schema) => faultsOf(value, { ...at, schema })),
}
