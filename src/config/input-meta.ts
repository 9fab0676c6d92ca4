import { globalRegistry, type toJSONSchema, type ZodType } from "zod"

type Options = NonNullable<Parameters<typeof toJSONSchema>[1]>
type Override = Parameters<NonNullable<Options["override"]>>[0]

/**
 * Where a text is transformed (a duration into milliseconds), zod leaves its default and its
 * examples out of a JSON Schema of
 * what may be written, because it cannot know which side they are of. Ours are always what may be
 * written.
 */
export function keepInputMeta({ zodSchema, jsonSchema }: Override): void {
  const { default: value, examples } = globalRegistry.get(zodSchema as unknown as ZodType) ?? {}
  if (value !== undefined) Object.assign(jsonSchema, { default: value })
  if (examples !== undefined) Object.assign(jsonSchema, { examples })
}
