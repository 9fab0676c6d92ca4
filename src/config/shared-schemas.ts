/**
 * A JSON Schema (draft 7) that says each part once: what stands in several places goes to
 * `definitions`, by the name of the key where it stands first.
 */

export type Schema = Readonly<Record<string, unknown>>

/** A shorter part is read where it stands as easily as behind a reference. */
const least = 100

export function sharing(schema: Schema): Schema {
  const { definitions = {}, ...root } = schema
  const seen = new Map<string, { times: number; readonly key: string }>()
  const note = (part: Schema, key: string): Schema => {
    const text = JSON.stringify(part)
    const known = seen.get(text)
    if (known === undefined) {
      seen.set(text, { times: 1, key })
      inParts(part, key, note)
    } else known.times += 1
    return part
  }
  inParts(schema, "", note)

  const shared = new Map<string, string>()
  const out: Record<string, Schema> = {}
  const share = (part: Schema, key: string): Schema => {
    const text = JSON.stringify(part)
    const { times } = seen.get(text) ?? { times: 1 }
    if (times === 1 || text.length < least) return inParts(part, key, share)
    const known = shared.get(text)
    if (known !== undefined) return reference(known)
    const name = freeName(key, { ...(definitions as object), ...out })
    shared.set(text, name)
    out[name] = {}
    out[name] = inParts(part, key, share)
    return reference(name)
  }
  const whole = inParts(root, "", share)
  const own = inMap(definitions as Readonly<Record<string, Schema>>, share)
  return { ...whole, definitions: { ...own, ...out } }
}

export function reference(name: string): Schema {
  return { $ref: `#/definitions/${name}` }
}

/** "tls", or "tls-2" if another part has that name. */
function freeName(key: string, taken: object): string {
  let name = key
  for (let number = 2; name in taken; number++) name = `${key}-${number}`
  return name
}

type Each = (part: Schema, key: string) => Schema

/** The same schema with `each` of the schemas directly in it. `key`: where it stands. */
function inParts(schema: Schema, key: string, each: Each): Schema {
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      if (keyword === "properties" || keyword === "definitions")
        return [keyword, inMap(value as Readonly<Record<string, Schema>>, each)]
      return [keyword, partKeywords.has(keyword) ? inValue(value, key || keyword, each) : value]
    }),
  )
}

const partKeywords: ReadonlySet<string> = new Set([
  "items",
  "additionalItems",
  "additionalProperties",
  "propertyNames",
  "anyOf",
  "oneOf",
  "allOf",
])

function inMap(
  map: Readonly<Record<string, Schema>>,
  each: Each,
): Readonly<Record<string, Schema>> {
  return Object.fromEntries(Object.entries(map).map(([key, part]) => [key, each(part, key)]))
}

function inValue(value: unknown, key: string, each: Each): unknown {
  if (Array.isArray(value)) return value.map((part: Schema) => each(part, key))
  return typeof value === "object" && value !== null ? each(value as Schema, key) : value
}
