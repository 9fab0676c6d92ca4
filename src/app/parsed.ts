type Schema<Options> = { parse(value: unknown): Options }

/** By schema and by what stands in a config: that is read once, and opened at each act for months. */
const parses = new WeakMap<Schema<unknown>, WeakMap<object, unknown>>()

/** What a schema makes of options; those of one config are not parsed again. */
export function parsed<Options>(schema: Schema<Options>, options: unknown): Options {
  if (typeof options !== "object" || options === null) return schema.parse(options)
  const known = parses.get(schema) ?? new WeakMap<object, unknown>()
  parses.set(schema, known)
  const found = known.get(options) ?? schema.parse(options)
  if (typeof found === "object" && found !== null) known.set(options, found)
  return found as Options
}
