import type { ZodType } from "zod"

/**
 * Each schema is made when it is first asked for: a config names few of the keys, and to make a
 * schema takes longer than to use it.
 */
export function lazily<Schemas extends Readonly<Record<string, ZodType>>>(
  makers: {
    readonly [Key in keyof Schemas]: () => Schemas[Key]
  },
): Schemas {
  const keys = {}
  for (const [key, make] of Object.entries(makers))
    Object.defineProperty(keys, key, {
      enumerable: true,
      configurable: true,
      get: () => {
        const value = make()
        Object.defineProperty(keys, key, { enumerable: true, value })
        return value
      },
    })
  return keys as Schemas
}
