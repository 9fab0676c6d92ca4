import { type Shape, roundedBits } from "../base/text/value-shape.ts"
import type { SecretConfig } from "../config/model.ts"
import type { App } from "./app.ts"

/** How a secret's next value is made; undefined if its driver does not make them. */
export function shapeIn(
  plugins: App["plugins"],
  { driver, options }: Pick<SecretConfig, "driver" | "options">,
): Shape | undefined {
  const type = plugins.drivers.find((one) => one.type === driver)
  return type?.shape?.(type.options.parse(options))
}

/** Bits of the values that the config asks for; computed once for secrets with the same options. */
export function bitsBy(
  plugins: App["plugins"],
): (secret: Pick<SecretConfig, "driver" | "options">) => number | undefined {
  const known = new Map<string, number | undefined>()
  return ({ driver, options }) => {
    const written = JSON.stringify([driver, options])
    if (!known.has(written)) {
      const shape = shapeIn(plugins, { driver, options })
      known.set(written, shape === undefined ? undefined : roundedBits(shape))
    }
    return known.get(written)
  }
}
