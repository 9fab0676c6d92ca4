import type { EnvironmentConfig } from "../config/model.ts"
import type { App } from "./app.ts"

/** The servers that each secret is kept at; none of one that no server keeps. */
export function placesOf(
  plugins: App["plugins"],
  { secrets }: Pick<EnvironmentConfig, "secrets">,
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.values(secrets).map(({ name, driver, options }) => {
      const type = plugins.drivers.find((one) => one.type === driver)
      return [name, type?.places?.(type.options.parse(options)) ?? []]
    }),
  )
}

/** What each secret rotates, in its driver's words: "postgresql://db:5432 role shop". */
export function loginsOf(
  plugins: App["plugins"],
  { secrets }: Pick<EnvironmentConfig, "secrets">,
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.values(secrets).flatMap(({ name, driver, options }) => {
      const type = plugins.drivers.find((one) => one.type === driver)
      return type === undefined ? [] : [[name, type.logins(type.options.parse(options))]]
    }),
  )
}
