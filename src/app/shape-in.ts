import { type Shape, roundedBits } from "../base/value-shape.ts"
import type { SecretConfig } from "../config/model.ts"
import type { App } from "./app.ts"

/** How a secret's next value is made; undefined where its driver does not make them. */
export function shapeIn(
  plugins: App["plugins"],
  { driver, options }: Pick<SecretConfig, "driver" | "options">,
): Shape | undefined {
  const type = plugins.drivers.find((one) => one.type === driver)
  return type?.shape?.(type.options.parse(options))
}

/** Bits of the values that the config asks for. */
export function bitsIn(
  plugins: App["plugins"],
  secret: Pick<SecretConfig, "driver" | "options">,
): number | undefined {
  const shape = shapeIn(plugins, secret)
  return shape === undefined ? undefined : roundedBits(shape)
}
